import { tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { type Recorder, spread } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";

/** Rotated keys and values of one attention layer, [B, capacity, kvHeads * headDim] each; rows from the next position on hold anything. */
export interface KvCache {
  k: Tensor;
  v: Tensor;
  /** Positions that fit. */
  capacity: number;
}

/** A cache for `capacity` positions of `batch` sequences: 2 * batch * capacity * kvHeads * headDim elements. */
export function createKvCache(
  gpu: Gpu,
  { batch, capacity, kvHeads, headDim }: { batch: number; capacity: number; kvHeads: number; headDim: number },
): KvCache {
  const shape = [batch, capacity, kvHeads * headDim];
  return { k: tensorFrom(gpu, shape, "key cache"), v: tensorFrom(gpu, shape, "value cache"), capacity };
}

/**
 * Copies the keys and values of a prompt, the last 2 * kvHeads heads of each row of qkv [B*T, (heads + 2*kvHeads)*headDim],
 * to positions 0..T-1 of the cache.
 * @throws Error when the prompt is longer than the cache.
 */
export function keepPrompt(
  recorder: Recorder,
  qkv: Tensor,
  cache: KvCache,
  { batch, length, heads, kvHeads, headDim }: Record<"batch" | "length" | "heads" | "kvHeads" | "headDim", number>,
): void {
  if (length > cache.capacity) {
    throw new Error(`A prompt of ${length} tokens does not fit a key-value cache of ${cache.capacity} positions.`);
  }
  recorder.dispatch({
    kernel: "attention/keep",
    constants: { FIRST: (heads * headDim) / 4, QUADS: (kvHeads * headDim) / 4 },
    bindings: [qkv, cache.k, cache.v],
    params: [batch, length, cache.capacity],
    groups: spread(Math.ceil((batch * length * kvHeads * headDim) / 4 / 256)),
    label: "keep keys and values",
  });
}
