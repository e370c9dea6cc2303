import { tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { type Recorder, spread } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";
import type { HeadOptions, HeadShape } from "./attention-heads.js";

/**
 * Rotated keys [B, capacity, kvHeads * headDim] and values [B, capacity, valueHeads * valueDim] of one attention layer;
 * rows from the next position on hold anything.
 */
export interface KvCache {
  k: Tensor;
  v: Tensor;
  /** Positions that fit. */
  capacity: number;
}

/** A cache for `capacity` positions of `batch` sequences: batch * capacity * (kvHeads * headDim + valueHeads * valueDim) elements. */
export function createKvCache(
  gpu: Gpu,
  options: { batch: number; capacity: number } & Pick<HeadOptions, "kvHeads" | "headDim" | "valueHeads" | "valueDim">,
): KvCache {
  const { batch, capacity, kvHeads, headDim, valueHeads = kvHeads, valueDim = headDim } = options;
  return {
    k: tensorFrom(gpu, [batch, capacity, kvHeads * headDim], "key cache"),
    v: tensorFrom(gpu, [batch, capacity, valueHeads * valueDim], "value cache"),
    capacity,
  };
}

/** @throws Error when the cache is of other heads, or another number of sequences. */
export function checkCache({ k, v }: KvCache, batch: number, shape: HeadShape): void {
  const { kvHeads, headDim, valueHeads, valueDim, keyWidth, valueWidth } = shape;
  if (k.shape[0] === batch && k.shape[2] === keyWidth && v.shape[2] === valueWidth) return;
  throw new Error(
    `A key-value cache of ${k.shape[0]} sequences with keys of ${k.shape[2]} and values of ${v.shape[2]} a token does not serve ${batch} sequences with ${kvHeads} key heads of ${headDim} and ${valueHeads} value heads of ${valueDim}.`,
  );
}

/**
 * Copies the keys and values of a prompt, which end each row of qkv [B*T, width], to positions 0..T-1 of the cache.
 * @throws Error when the prompt is longer than the cache, or the cache is of another shape.
 */
export function keepPrompt(
  recorder: Recorder,
  qkv: Tensor,
  cache: KvCache,
  batch: number,
  length: number,
  shape: HeadShape,
): void {
  checkCache(cache, batch, shape);
  if (length > cache.capacity) {
    throw new Error(`A prompt of ${length} tokens does not fit a key-value cache of ${cache.capacity} positions.`);
  }
  const { heads, headDim, keyWidth, valueWidth } = shape;
  recorder.dispatch({
    kernel: "attention/keep",
    constants: { FIRST: (heads * headDim) / 4, KEY_QUADS: keyWidth / 4, VALUE_QUADS: valueWidth / 4 },
    bindings: [qkv, cache.k, cache.v],
    params: [batch, length, cache.capacity],
    groups: spread(Math.ceil((batch * length * (keyWidth + valueWidth)) / 4 / 256)),
    label: "keep keys and values",
  });
}
