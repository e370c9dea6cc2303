import { visiblePairs } from "../config/visible-pairs.js";
import { spread } from "../gpu/recorder.js";
import { type Tensor, typeOf } from "../gpu/tensor.js";
import { type HeadOptions, type HeadShape, headShape } from "./attention-heads.js";
import { backwardKernels, forwardKernel } from "./attention-kernels.js";
import { tensorKernels } from "./attention-tensor.js";
import { type KvCache, keepPrompt } from "./kv-cache.js";
import { rotate } from "./rope.js";
import type { Tape } from "./tape.js";

export interface AttentionOptions extends HeadOptions {
  batch: number;
  length: number;
  /** Generation only: where rotated keys and values of the prompt are kept, for decoding to continue from. */
  cache?: KvCache;
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
  if (rotation) tape.change(qkv, () => rotate(recorder, qkv, rotation));
  const o = tape.alloc([batch * length, shape.outWidth], "attention", qkv.type);
  const logSum = tape.alloc([batch, heads, length], "attention log sums");
  const { software } = tape.gpu.info;
  const params = [batch, length, ...shape.params, 0];
  const onTensorCores = typeOf(qkv) === "f16" ? tensorKernels(tape.gpu, shape, batch, length) : null;
  const forward = onTensorCores?.forward ?? forwardKernel(software, shape, batch, length, "attention/from-rows");
  const { window } = options;
  const pairs = batch * heads * visiblePairs(length, window ? window.size + window.sink : length);
  // Each pair is a product along a key, forward, and one along a value; the gradients compute scores again.
  const work = (keys: number, values: number) => 2 * pairs * (keys * headDim + values * valueDim);
  tape.push({
    outputs: [o],
    saved: [o, logSum],
    forward: () => {
      if (cache) keepPrompt(recorder, qkv, cache, batch, length, shape);
      recorder.dispatch({ ...forward, bindings: [qkv, o, logSum], params, label: "attention", flops: work(1, 1) });
    },
    backward: () => {
      const upstream = tape.incoming(o);
      const { gradient, accumulate } = tape.gradientOf(qkv);
      if (accumulate) throw new Error("Attention rotates qkv in place: nothing else may read it.");
      const delta = arena.alloc([batch, heads, length], "attention delta");
      // On tensor cores the queries' kernel makes delta by itself.
      if (!onTensorCores) {
        recorder.dispatch({
          kernel: "attention/delta",
          constants: { HEADS: heads, QUADS: valueDim / 4 },
          bindings: [o, upstream, delta],
          params: [batch, length],
          groups: spread(Math.ceil((batch * length * heads) / 64)),
          label: "attention delta",
        });
      }
      const { query, key } = onTensorCores ?? backwardKernels(software, shape, batch, length);
      const bindings = [qkv, upstream, logSum, delta, gradient];
      const read = onTensorCores ? [...bindings, o] : bindings;
      recorder.dispatch({ ...query, bindings: read, params, label: "attention dq", flops: work(2, 1) });
      recorder.dispatch({ ...key, bindings, params, label: "attention dk dv", flops: work(2, 2) });
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
