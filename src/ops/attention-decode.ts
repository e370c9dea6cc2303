import { spread } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";
import { type HeadOptions, headShape } from "./attention-heads.js";
import { forwardKernel, isDirect } from "./attention-kernels.js";
import { checkCache, type KvCache } from "./kv-cache.js";
import { ropeTable } from "./rope.js";
import type { Tape } from "./tape.js";

export { createKvCache, type KvCache } from "./kv-cache.js";

const angleFromTable = `@group(0) @binding(5) var<storage, read> angles: array<vec4f>;
fn angle(at: u32, pair: u32) -> vec4f { return angles[at * PAIRS + pair]; }
`;
/** Never called: nothing turns. */
const noAngle = "fn angle(at: u32, pair: u32) -> vec4f { return vec4f(); }\n";

/** Workgroups that fill a large GPU; fewer queries and heads than that have their keys split. */
const wantedGroups = 528;

/** Tokens a step from which the kernels of the prompt, where queries share the keys they read, beat one workgroup a query. */
const [manyDirect, manyTiled] = [4, 64];

/**
 * One step of generation: attention of `length` new tokens a sequence (one by default) over the cache and themselves.
 * qkv [B*length, heads*headDim + kvHeads*headDim + valueHeads*valueDim] → o [B*length, heads*valueDim]; `position` (u32 [1]) is the
 * first new token's 0-based position in every sequence. Rotates queries in qkv in place (keys too, but in the cache only) and writes
 * keys and values to the cache from `position` on, whose earlier rows must be filled. The position is data: the same recording
 * serves every step. Past the capacity nothing is kept and the output means nothing: the caller must check.
 * @throws Error when the shapes don't fit.
 */
export function attentionStep(
  tape: Tape,
  qkv: Tensor,
  position: Tensor,
  cache: KvCache,
  options: HeadOptions & { length?: number },
): Tensor {
  const { length = 1, rope, window } = options;
  const [rows, width] = qkv.shape;
  const shape = headShape(options, width);
  const { heads, kvHeads, valueHeads, headDim, valueDim } = shape;
  const { capacity, k, v } = cache;
  if (rows % length !== 0) {
    throw new Error(`A step of ${length} tokens a sequence takes a multiple of ${length} rows, not ${rows}.`);
  }
  checkCache(cache, rows / length, shape);
  if (length > capacity) {
    throw new Error(`A step of ${length} tokens does not fit a key-value cache of ${capacity} positions.`);
  }
  const { recorder, arena } = tape;
  const table = rope ? [ropeTable(tape.gpu, { ...rope, headDim }, capacity)] : [];
  recorder.dispatch({
    kernel: "attention/step-keep",
    constants: { HEAD_DIM: headDim, VALUE_DIM: valueDim, TURNED: rope ? (rope.dim ?? headDim) : 0 },
    before: rope ? angleFromTable : noAngle,
    bindings: [position, qkv, k, v, ...table],
    params: [rows, length, capacity, heads, kvHeads, valueHeads],
    groups: spread(Math.ceil((rows * width) / 4 / 64)),
    label: "attention step: rope, keep",
  });
  const o = tape.alloc([rows, shape.outWidth], "attention step");
  const { software } = tape.gpu.info;
  if (length >= (isDirect(software, shape) ? manyDirect : manyTiled)) {
    const batch = rows / length;
    const logSum = arena.alloc([batch, heads, length], "attention step log sums");
    recorder.dispatch({
      ...forwardKernel(software, shape, batch, length, "attention/from-cache"),
      bindings: [qkv, o, logSum, position, k, v],
      params: [batch, length, ...shape.params, capacity],
      label: "attention step: many tokens",
    });
    arena.release(logSum);
    return o;
  }
  const most = window ? Math.min(capacity, window.size + window.sink) : capacity;
  const parts = software ? 1 : Math.max(1, Math.min(Math.ceil(most / 256), Math.ceil(wantedGroups / (rows * heads))));
  const found = parts > 1 ? arena.alloc([rows * heads, parts, valueDim], "attention step parts") : o;
  const scales = arena.alloc([rows * heads, parts, 2], "attention step scales");
  recorder.dispatch({
    kernel: "attention/step",
    constants: shape.constants,
    bindings: [position, qkv, k, v, found, scales],
    params: [rows, length, capacity, ...shape.params, parts],
    groups: spread(rows * heads * parts),
    label: "attention step",
  });
  if (parts > 1) {
    recorder.dispatch({
      kernel: "attention/step-join",
      bindings: [found, scales, o],
      params: [(rows * heads * valueDim) / 4, valueDim / 4, parts],
      groups: spread(Math.ceil((rows * heads * valueDim) / 4 / 64)),
      label: "attention step: join",
    });
    arena.release(found);
  }
  arena.release(scales);
  return o;
}
