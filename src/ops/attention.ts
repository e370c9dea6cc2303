import { type KernelName, kernels } from "../gpu/kernels.generated.js";
import { type DispatchOptions, spread } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";
import { type KvCache, keepPrompt } from "./kv-cache.js";
import { rotate } from "./rope.js";
import type { Tape } from "./tape.js";
import { unrolled } from "./unroll.js";

export interface AttentionOptions {
  batch: number;
  length: number;
  /** Query heads, a multiple of kvHeads: query head h reads key head floor(h / (heads / kvHeads)). */
  heads: number;
  kvHeads: number;
  /** A multiple of 4, at most 128. */
  headDim: number;
  /** null: no position embedding. */
  rope: { theta: number } | null;
  /** Query i sees key j <= i when i - size < j or j < sink; null: every j <= i. */
  window: { size: number; sink: number } | null;
  /** Generation only: where rotated keys and values of the prompt are kept, for decoding to continue from. */
  cache?: KvCache;
}

/** What all attention kernels are told about heads and the window. */
export type HeadOptions = Pick<AttentionOptions, "heads" | "kvHeads" | "headDim" | "window">;

/** vec4s of workgroup memory: WebGPU's default limit of 16,384 bytes. */
const poolLimit = 1024;

/** The largest divisor of `quads` that is at most `most`. */
function divisor(quads: number, most: number): number {
  let best = Math.min(quads, most);
  while (quads % best) best--;
  return best;
}

/** Constants of kernels/attention/tiles.wgsl. */
function tiling(headDim: number) {
  const quads = headDim / 4;
  const tx = Math.max(8, quads);
  // Four elements of 64 rows and of 4 * tx streamed lines take 64 + 4 * tx vec4s.
  const most = Math.floor(poolLimit / (64 + 4 * tx));
  const chunk = 4 * divisor(quads, most);
  const part = 4 * divisor(tx, most);
  return {
    HEAD_DIM: headDim,
    TX: tx,
    CHUNK: chunk,
    PART: part,
    POOL: Math.max(Math.max(chunk, part) * (16 + tx), 16 * tx),
    LINE_MASK: Math.min(8, tx & -tx) - 1,
    SCALE: 1 / Math.sqrt(headDim),
  };
}

type Kernel = Pick<DispatchOptions, "kernel" | "constants" | "before" | "groups">;

/** The kernels of the forward pass, of the gradient of queries, and of keys and values. */
function plan(software: boolean, options: AttentionOptions): Record<"forward" | "query" | "key", Kernel> {
  const { batch, length, heads, kvHeads, headDim } = options;
  // Heads above 64 make the written-out loops so long that compiling them takes longer than what they save.
  if (software && headDim <= 64) {
    const constants = { HEAD_DIM: headDim, SCALE: 1 / Math.sqrt(headDim) };
    const direct = (body: KernelName, count: number): Kernel => ({
      kernel: "attention/direct",
      constants,
      before: unrolled(kernels[body], "k", "QUADS", headDim / 4),
      groups: spread(Math.ceil((batch * length * count) / 16)),
    });
    return {
      forward: direct("attention/direct-forward", heads),
      query: direct("attention/direct-query", heads),
      key: direct("attention/direct-key", kvHeads),
    };
  }
  const constants = tiling(headDim);
  const before = kernels["attention/tiles"];
  const groups = (count: number) => spread(Math.ceil(length / 64) * batch * count);
  return {
    forward: { kernel: "attention/forward", constants, before, groups: groups(heads) },
    query: { kernel: "attention/backward-query", constants, before, groups: groups(heads) },
    key: { kernel: "attention/backward-key", constants, before, groups: groups(kvHeads) },
  };
}

/** Kernel parameters heads, kv_heads, window and sink; without a window, one that no sequence fills. */
export function headParams({ heads, kvHeads, window }: HeadOptions): number[] {
  return [heads, kvHeads, window ? window.size : 2 ** 32 - 1, window ? window.sink : 0];
}

/** @throws Error when heads, window and the width of qkv do not fit together. */
export function checkHeads({ heads, kvHeads, headDim, window }: HeadOptions, width: number): void {
  if (headDim % 4 !== 0 || headDim < 4 || headDim > 128) {
    throw new Error(`Attention takes heads of a multiple of 4 elements up to 128, not headDim ${headDim}.`);
  }
  if (kvHeads < 1 || heads % kvHeads !== 0) {
    throw new Error(`Attention heads (${heads}) must be a multiple of key-value heads (${kvHeads}).`);
  }
  if (width !== (heads + 2 * kvHeads) * headDim) {
    throw new Error(
      `Attention with ${heads} heads, ${kvHeads} key-value heads and headDim ${headDim} takes rows of ${(heads + 2 * kvHeads) * headDim}, not ${width}.`,
    );
  }
  if (window && !(window.size >= 1 && window.sink >= 0)) {
    throw new Error(`An attention window must have size >= 1 and sink >= 0, not ${window.size} and ${window.sink}.`);
  }
}

/**
 * Causal grouped-query softmax attention, softmax(QKᵀ/√headDim) V, with rotary positions and a sliding window where asked.
 * qkv [B*T, (heads + 2*kvHeads)*headDim] (a row: query heads, key heads, value heads) → o [B*T, heads*headDim].
 * Rotates queries and keys inside qkv in place; nobody else may read qkv. Memory beyond o: one number a query and head.
 * @throws Error when the shapes don't fit, or qkv has another reader.
 */
export function attention(tape: Tape, qkv: Tensor, options: AttentionOptions): Tensor {
  const { batch, length, heads, kvHeads, headDim, rope, cache } = options;
  checkHeads(options, qkv.shape[1]);
  if (qkv.shape[0] !== batch * length) {
    throw new Error(
      `Attention over ${batch} sequences of ${length} takes ${batch * length} rows, not ${qkv.shape[0]}.`,
    );
  }
  const { recorder, arena } = tape;
  const rotation = rope && { theta: rope.theta, headDim, length, heads: heads + kvHeads };
  if (rotation) rotate(recorder, qkv, rotation);
  if (cache) keepPrompt(recorder, qkv, cache, options);
  const o = tape.alloc([batch * length, heads * headDim], "attention");
  const logSum = tape.alloc([batch, heads, length], "attention log sums");
  const { forward, query, key } = plan(tape.gpu.info.software, options);
  const params = [batch, length, ...headParams(options)];
  recorder.dispatch({ ...forward, bindings: [qkv, o, logSum], params, label: "attention" });
  tape.push({
    outputs: [o],
    saved: [logSum],
    backward: () => {
      const upstream = tape.incoming(o);
      const { gradient, accumulate } = tape.gradientOf(qkv);
      if (accumulate) throw new Error("Attention rotates qkv in place: nothing else may read it.");
      const delta = arena.alloc([batch, heads, length], "attention delta");
      recorder.dispatch({
        kernel: "attention/delta",
        constants: { HEADS: heads, QUADS: headDim / 4 },
        bindings: [o, upstream, delta],
        params: [batch, length],
        groups: spread(Math.ceil((batch * length * heads) / 64)),
        label: "attention delta",
      });
      const bindings = [qkv, upstream, logSum, delta, gradient];
      recorder.dispatch({ ...query, bindings, params, label: "attention dq" });
      recorder.dispatch({ ...key, bindings, params, label: "attention dk dv" });
      arena.release(delta);
      if (rotation) rotate(recorder, gradient, { ...rotation, inverse: true });
    },
  });
  return o;
}
