import type { AttentionConfig, WindowConfig } from "../../config/blocks/attention.js";
import { section } from "../../config/blocks/block.js";
import type { Gpu } from "../../gpu/gpu.js";
import type { Tensor } from "../../gpu/tensor.js";
import { attention as attend } from "../../ops/attention.js";
import { attentionStep, createKvCache, type KvCache } from "../../ops/attention-decode.js";
import { linear } from "../../ops/linear.js";
import { rmsNorm } from "../../ops/norm.js";
import { type Block, type BlockContext, type BlockState, residualScale } from "./block.js";

/** A key-value cache as the state of a block. */
const cacheOf = ({ k, v }: BlockState): KvCache => ({ k, v, capacity: k.shape[1] });

/** [q | k | v] of a normed input: [B·T, the sum of their widths]. */
export function projectHeads({ tape, weight }: BlockContext, normed: Tensor, scale?: number): Tensor {
  const projections = ["q", "k", "v"].map((name) => weight(`self_attn.${name}_proj.weight`));
  return linear(tape, normed, projections, "qkv", undefined, { scale });
}

/** What heads make of [q | k | v]: over the tokens at hand, or after those of the cache. */
export function attendTo(
  { tape, batch, length, state, position, observe }: BlockContext,
  qkv: Tensor,
  heads: AttentionConfig,
  window: WindowConfig | null = null,
): Tensor {
  const cache = state && cacheOf(state);
  const options = { batch, length, ...heads, rope: window ? window.rope : heads.rope, window, cache };
  if (position && cache) return attentionStep(tape, qkv, position, cache, options);
  const mixed = attend(tape, qkv, options);
  observe?.("qkv", qkv, { kind: "attention", options });
  return mixed;
}

/** k and v [B, capacity, their widths]. */
export function cacheState(gpu: Gpu, heads: AttentionConfig, batch: number, capacity: number): BlockState {
  const { k, v } = createKvCache(gpu, { batch, capacity, ...heads });
  return { k, v };
}

/** x + attention(norm(x)): full (T) or sliding-window (S) causal attention. */
function record(context: BlockContext, x: Tensor, windowed: boolean): Tensor {
  const { tape, config, weight } = context;
  const heads = section(config, "attention");
  const window = windowed ? section(config, "window") : null;
  const normed = rmsNorm(tape, x, weight("input_layernorm.weight"), config.normEps);
  const mixed = attendTo(context, projectHeads(context, normed), heads, window);
  return linear(tape, mixed, [weight("self_attn.o_proj.weight")], "attention out", x, {
    scale: residualScale(config),
  });
}

const createState: Block["createState"] = (gpu, config, batch, capacity) =>
  cacheState(gpu, section(config, "attention"), batch, capacity);

export const attention: Block = { letter: "T", record: (context, x) => record(context, x, false), createState };
export const slidingWindow: Block = { letter: "S", record: (context, x) => record(context, x, true), createState };
