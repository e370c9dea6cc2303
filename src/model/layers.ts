// The mixers of design §4 and the feed-forward network, pre-norm, each adding to the residual stream x [B·T, dModel].
import { ssmWidths } from "../config/parameters.js";
import type { ModelConfig } from "../config/types.js";
import type { Tensor } from "../gpu/tensor.js";
import { attention } from "../ops/attention.js";
import { attentionStep } from "../ops/attention-decode.js";
import { convSilu } from "../ops/conv1d.js";
import { linear } from "../ops/linear.js";
import { gatedRmsNorm, rmsNorm } from "../ops/norm.js";
import { ssd } from "../ops/ssd.js";
import { convSiluStep, ssdStep } from "../ops/ssd-decode.js";
import { swiglu } from "../ops/swiglu.js";
import type { Tape } from "../ops/tape.js";
import type { LayerState } from "./state.js";

/** What every layer is given. */
export interface LayerContext {
  tape: Tape;
  config: ModelConfig;
  /** The layer's weight by the last part of its name, e.g. "self_attn.q_proj.weight". */
  weight: (name: string) => Tensor;
  batch: number;
  length: number;
  /** Generation only: what the prompt leaves behind for decoding. */
  state?: LayerState;
  /** Decoding only: u32 [1], the place of the one token at hand (length 1), which then continues from `state`. */
  position?: Tensor;
}

/** x + attention(norm(x)): full (T) or sliding-window (S) causal attention. */
export function attentionMixer(context: LayerContext, x: Tensor, kind: "T" | "S"): Tensor {
  const { tape, config, weight, batch, length, state, position } = context;
  const { heads, kvHeads, headDim, rope } = config.attention!;
  const window = kind === "S" ? config.window! : null;
  const normed = rmsNorm(tape, x, weight("input_layernorm.weight"), config.normEps);
  const projections = ["q", "k", "v"].map((name) => weight(`self_attn.${name}_proj.weight`));
  const qkv = linear(tape, normed, projections, "qkv");
  const shape = { batch, length, heads, kvHeads, headDim };
  const cache = state?.kind === "attention" ? state.cache : undefined;
  const options = { ...shape, rope: window ? window.rope : rope, window, cache };
  const mixed = position && cache ? attentionStep(tape, qkv, position, cache, options) : attention(tape, qkv, options);
  return linear(tape, mixed, [weight("self_attn.o_proj.weight")], "attention out", x);
}

/** x + mamba2(norm(x)); `in_proj` gives [z | x | B | C | dt]. */
export function mambaMixer(context: LayerContext, x: Tensor): Tensor {
  const { tape, config, weight, batch, length, state, position } = context;
  const { dSsm, headDim, dState, groups, conv, chunk } = config.ssm!;
  const { convDim, nHeads } = ssmWidths(config);
  const kept = state?.kind === "mamba" ? state : undefined;
  const normed = rmsNorm(tape, x, weight("input_layernorm.weight"), config.normEps);
  const zxbcdt = linear(tape, normed, [weight("mamba.in_proj.weight")], "mamba in");
  const convWeights = [weight("mamba.conv1d.weight"), weight("mamba.conv1d.bias")] as const;
  const conv1d = { batch, length, column: dSsm, channels: convDim, width: conv, finalState: kept?.conv };
  const scanWeights = [weight("mamba.dt_bias"), weight("mamba.A_log"), weight("mamba.D")] as const;
  const sizes = { heads: nHeads, headDim, state: dState, groups, dtColumn: dSsm + convDim };
  const scan = { batch, length, ...sizes, chunk, finalState: kept?.ssm };
  let y: Tensor;
  if (position && kept) {
    const xBC = convSiluStep(tape, zxbcdt, kept.conv, ...convWeights, conv1d);
    y = ssdStep(tape, xBC, zxbcdt, kept.ssm, ...scanWeights, scan);
  } else {
    const xBC = convSilu(tape, zxbcdt, ...convWeights, conv1d);
    y = ssd(tape, xBC, zxbcdt, ...scanWeights, scan);
  }
  const gated = gatedRmsNorm(tape, y, zxbcdt, weight("mamba.norm.weight"), {
    eps: config.normEps,
    zColumn: 0,
    groups: 1,
  });
  return linear(tape, gated, [weight("mamba.out_proj.weight")], "mamba out", x);
}

/** x + swiglu feed-forward(norm(x)). */
export function feedForward({ tape, config, weight }: LayerContext, x: Tensor): Tensor {
  const normed = rmsNorm(tape, x, weight("post_attention_layernorm.weight"), config.normEps);
  const gateUp = linear(tape, normed, [weight("mlp.gate_proj.weight"), weight("mlp.up_proj.weight")], "ffn in");
  return linear(tape, swiglu(tape, gateUp), [weight("mlp.down_proj.weight")], "ffn out", x);
}
