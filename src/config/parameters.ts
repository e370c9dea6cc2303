/**
 * THE list of a model's weights: names, shapes, order. The GPU model allocates from it, checkpoints are written in its
 * order, and the parameter counts of the cost model are sums over it. Names follow Hugging Face checkpoints.
 */

import { requireBuildable } from "./buildable.js";
import type { ModelConfig } from "./types.js";

/** One weight tensor. Shapes are [out, in] for projections, row-major, as in PyTorch's `nn.Linear`. */
export interface ParameterSpec {
  name: string;
  shape: number[];
  /** Whether AdamW applies weight decay. */
  decay: boolean;
}

/** Counts of single numbers, not tensors. `embedding` includes the output layer when it is not tied. */
export interface ParameterCount {
  total: number;
  nonEmbedding: number;
  embedding: number;
}

/** Widths of a Mamba-2 mixer that follow from its config. */
export interface SsmWidths {
  nHeads: number;
  /** Channels of the short convolution, which runs over [x, B, C]. */
  convDim: number;
  /** Rows of in_proj: [z, x, B, C, dt]. */
  inProj: number;
}

/** The derived widths of the `M` mixers. Throws when the config has no `ssm`. */
export function ssmWidths(config: ModelConfig): SsmWidths {
  const { ssm } = config;
  if (!ssm) throw new Error("ssm: missing, but a layer of the pattern is M");
  const nHeads = ssm.dSsm / ssm.headDim;
  const state = 2 * ssm.groups * ssm.dState;
  return { nHeads, convDim: ssm.dSsm + state, inProj: 2 * ssm.dSsm + state + nHeads };
}

/**
 * All weights of a buildable model, in the fixed order: embedding, layers (norm, mixer, norm, feed-forward), last norm,
 * and the output layer when it is not tied to the embedding.
 *
 * Weight decay goes to the matrices: not to norms, biases, A_log, D and dt_bias. `conv1d.weight` is decayed: the
 * reference Mamba-2 code exempts A_log, D and dt_bias by name and leaves the convolution to the trainer's usual rule
 * (decay everything with more than one axis), and it is [channels, 1, width].
 *
 * Throws when the pattern has a layer that cannot be built yet (see `requireBuildable`).
 */
export function parameterTable(config: ModelConfig): ParameterSpec[] {
  requireBuildable(config);
  const d = config.dModel;
  const table: ParameterSpec[] = [];
  const matrix = (name: string, ...shape: number[]) => table.push({ name, shape, decay: true });
  const vector = (name: string, length: number) => table.push({ name, shape: [length], decay: false });

  matrix("model.embed_tokens.weight", config.vocabSize, d);
  [...config.pattern].forEach((kind, i) => {
    const layer = `model.layers.${i}`;
    vector(`${layer}.input_layernorm.weight`, d);
    if (kind === "M") {
      const { ssm } = config;
      if (!ssm) throw new Error(`ssm: missing, but layer ${i + 1} of the pattern is M`);
      const { nHeads, convDim, inProj } = ssmWidths(config);
      matrix(`${layer}.mamba.in_proj.weight`, inProj, d);
      matrix(`${layer}.mamba.conv1d.weight`, convDim, 1, ssm.conv);
      vector(`${layer}.mamba.conv1d.bias`, convDim);
      vector(`${layer}.mamba.dt_bias`, nHeads);
      vector(`${layer}.mamba.A_log`, nHeads);
      vector(`${layer}.mamba.D`, nHeads);
      vector(`${layer}.mamba.norm.weight`, ssm.dSsm);
      matrix(`${layer}.mamba.out_proj.weight`, d, ssm.dSsm);
    } else {
      const { attention } = config;
      if (!attention) throw new Error(`attention: missing, but layer ${i + 1} of the pattern is ${kind}`);
      const width = attention.heads * attention.headDim;
      const kvWidth = attention.kvHeads * attention.headDim;
      matrix(`${layer}.self_attn.q_proj.weight`, width, d);
      matrix(`${layer}.self_attn.k_proj.weight`, kvWidth, d);
      matrix(`${layer}.self_attn.v_proj.weight`, kvWidth, d);
      matrix(`${layer}.self_attn.o_proj.weight`, d, width);
    }
    vector(`${layer}.post_attention_layernorm.weight`, d);
    matrix(`${layer}.mlp.gate_proj.weight`, config.ffn.dFfn, d);
    matrix(`${layer}.mlp.up_proj.weight`, config.ffn.dFfn, d);
    matrix(`${layer}.mlp.down_proj.weight`, d, config.ffn.dFfn);
  });
  vector("model.norm.weight", d);
  if (!config.tieEmbeddings) matrix("lm_head.weight", config.vocabSize, d);
  return table;
}

/** The number of weights of the built model: everything that `parameterTable` lists. */
export function countParameters(config: ModelConfig): ParameterCount {
  let total = 0;
  let embedding = 0;
  for (const { name, shape } of parameterTable(config)) {
    const size = shape.reduce((product, n) => product * n, 1);
    total += size;
    if (name === "model.embed_tokens.weight" || name === "lm_head.weight") embedding += size;
  }
  return { total, nonEmbedding: total - embedding, embedding };
}
