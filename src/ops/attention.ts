import { type KernelName, kernels } from "../gpu/kernels.generated.js";
import { type DispatchOptions, spread } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";
import { type HeadOptions, type HeadShape, headShape } from "./attention-heads.js";
import { type KvCache, keepPrompt } from "./kv-cache.js";
import { rotate } from "./rope.js";
import type { Tape } from "./tape.js";
import { unrolled } from "./unroll.js";

export interface AttentionOptions extends HeadOptions {
  batch: number;
  length: number;
  /** Generation only: where rotated keys and values of the prompt are kept, for decoding to continue from. */
  cache?: KvCache;
}

/** vec4s of workgroup memory: WebGPU's default limit of 16,384 bytes. */
const poolLimit = 1024;

/** The largest number up to `most` that divides `a` and `b`. */
function divisor(a: number, b: number, most: number): number {
  let best = Math.min(a, b, most);
  while (a % best || b % best) best--;
  return best;
}

/** Constants of kernels/attention/tiles.wgsl, and how many tiles hold a row of sums of keys and of values. */
function tiling({ headDim, valueDim, constants }: HeadShape) {
  const [quads, valueQuads] = [headDim / 4, valueDim / 4];
  const widest = Math.max(8, quads, valueQuads);
  // 8 * 32 invocations are a workgroup's most: wider heads get a second tile a lane.
  const tx = widest <= 32 ? widest : Math.ceil(widest / 2);
  // Four elements of 64 rows and of 4 * tx streamed lines take 64 + 4 * tx vec4s.
  const most = Math.floor(poolLimit / (64 + 4 * tx));
  const chunk = 4 * divisor(quads, valueQuads, most);
  const part = 4 * divisor(tx, tx, most);
  return {
    constants: {
      ...constants,
      TX: tx,
      CHUNK: chunk,
      PART: part,
      POOL: Math.max(Math.max(chunk, part) * (16 + tx), 16 * tx),
      LINE_MASK: Math.min(8, tx & -tx) - 1,
    },
    spans: { KEY_SPANS: Math.ceil(quads / tx), VALUE_SPANS: Math.ceil(valueQuads / tx) },
  };
}

/** A kernel with its loops over each of `counts` written out. */
const writtenOut = (body: KernelName, index: string, counts: Record<string, number>) =>
  Object.entries(counts).reduce((text, [bound, count]) => unrolled(text, index, bound, count), kernels[body] as string);

type Kernel = Pick<DispatchOptions, "kernel" | "constants" | "before" | "groups">;

/** The kernels of the forward pass, of the gradient of queries, and of keys and values. */
function plan(
  software: boolean,
  shape: HeadShape,
  batch: number,
  length: number,
): Record<"forward" | "query" | "key", Kernel> {
  const { heads, valueHeads, headDim, valueDim } = shape;
  // Heads above 64 make the written-out loops so long that compiling them takes longer than what they save.
  if (software && headDim <= 64 && valueDim <= 64) {
    const direct = (body: KernelName, count: number): Kernel => ({
      kernel: "attention/direct",
      constants: shape.constants,
      before: writtenOut(body, "k", { QUADS: headDim / 4, VALUE_QUADS: valueDim / 4 }),
      groups: spread(Math.ceil((batch * length * count) / 16)),
    });
    return {
      forward: direct("attention/direct-forward", heads),
      query: direct("attention/direct-query", heads),
      key: direct("attention/direct-key", valueHeads),
    };
  }
  const { constants, spans } = tiling(shape);
  const tiled = (body: KernelName, count: number): Kernel => ({
    kernel: "attention/tiles",
    constants,
    before: writtenOut(body, "s", spans),
    groups: spread(Math.ceil(length / 64) * batch * count),
  });
  return {
    forward: tiled("attention/forward", heads),
    query: tiled("attention/backward-query", heads),
    key: tiled("attention/backward-key", valueHeads),
  };
}

/**
 * Causal grouped-query softmax attention, softmax(scale · QKᵀ) V, with rotary positions and a sliding window where asked.
 * qkv [B*T, heads*headDim + kvHeads*headDim + valueHeads*valueDim] (a row: query heads, key heads, value heads) →
 * o [B*T, heads*valueDim]; see `HeadOptions` for which head reads which.
 * Rotates queries and keys inside qkv in place; nobody else may read qkv. Memory beyond o: one number a query and head.
 * @throws Error when the shapes don't fit, or qkv has another reader.
 */
export function attention(tape: Tape, qkv: Tensor, options: AttentionOptions): Tensor {
  const { batch, length, rope, cache } = options;
  const shape = rowShape(qkv, options);
  const { heads, kvHeads, headDim, valueDim } = shape;
  const { recorder, arena } = tape;
  const rotation = rope && { ...rope, headDim, length, heads: heads + kvHeads };
  if (rotation) rotate(recorder, qkv, rotation);
  if (cache) keepPrompt(recorder, qkv, cache, batch, length, shape);
  const o = tape.alloc([batch * length, shape.outWidth], "attention");
  const logSum = tape.alloc([batch, heads, length], "attention log sums");
  const { forward, query, key } = plan(tape.gpu.info.software, shape, batch, length);
  const params = [batch, length, ...shape.params];
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
        constants: { HEADS: heads, QUADS: valueDim / 4 },
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

/**
 * The softmax's probabilities for looking at: [B, heads, T, T], of query t (third) over keys (last), zero where a key is not seen.
 * Call it after `attention` has been recorded with the same qkv and options: it reads the queries and keys that `attention` rotated
 * in place, and leaves them as they are. It has no gradient. The result belongs to the caller (`tape.arena.release` frees it)
 * and takes T numbers a query and head, which `attention` itself never writes down.
 * @throws Error when the shapes don't fit, or the adapter has no buffer that large.
 */
export function attentionWeights(tape: Tape, qkv: Tensor, options: Omit<AttentionOptions, "cache">): Tensor {
  const { batch, length } = options;
  const shape = rowShape(qkv, options);
  const weights = tape.arena.alloc([batch, shape.heads, length, length], "attention weights");
  tape.recorder.dispatch({
    kernel: "attention/weights",
    constants: shape.constants,
    bindings: [qkv, weights],
    params: [batch, length, ...shape.params],
    groups: spread(batch * shape.heads * length),
    label: "attention weights",
  });
  return weights;
}

/** @throws Error when the heads don't fit together, or qkv is not one row a token. */
function rowShape(qkv: Tensor, options: HeadOptions & { batch: number; length: number }): HeadShape {
  const { batch, length } = options;
  const [rows, width] = qkv.shape;
  const shape = headShape(options, width);
  if (rows !== batch * length) {
    throw new Error(`Attention over ${batch} sequences of ${length} takes ${batch * length} rows, not ${rows}.`);
  }
  return shape;
}
