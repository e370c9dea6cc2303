import { spread } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";
import { type AttentionOptions, checkHeads, headParams } from "./attention.js";
import type { KvCache } from "./kv-cache.js";
import { ropeTable } from "./rope.js";
import type { Tape } from "./tape.js";

export { createKvCache, type KvCache } from "./kv-cache.js";

const angleFromTable = `@group(0) @binding(5) var<storage, read> angles: array<vec4f>;
fn angle(at: u32, pair: u32) -> vec4f { return angles[at * PAIRS + pair]; }
`;
const noAngle = "fn angle(at: u32, pair: u32) -> vec4f { return vec4f(1, 0, 1, 0); }\n";

/** Workgroups that fill a large GPU; fewer sequences and heads than that have their keys split. */
const wantedGroups = 528;

/**
 * One step of generation: attention of one new token a sequence over the cache and itself.
 * qkv [B, (heads + 2*kvHeads)*headDim] → o [B, heads*headDim]; `position` (u32 [1]) is the token's 0-based position in every
 * sequence, below cache.capacity. Rotates qkv in place and writes keys and values to the cache at `position`, whose earlier
 * rows must be filled. The position is data: the same recording serves every step. Past the capacity nothing is kept: the caller must check.
 * @throws Error when the shapes don't fit.
 */
export function attentionStep(
  tape: Tape,
  qkv: Tensor,
  position: Tensor,
  cache: KvCache,
  options: Pick<AttentionOptions, "heads" | "kvHeads" | "headDim" | "rope" | "window">,
): Tensor {
  const { heads, kvHeads, headDim, rope, window } = options;
  const [batch, width] = qkv.shape;
  const { capacity, k, v } = cache;
  checkHeads(options, width);
  if (k.shape[0] !== batch || k.shape[2] !== kvHeads * headDim) {
    throw new Error(
      `A key-value cache of ${k.shape[0]} sequences and rows of ${k.shape[2]} does not serve ${batch} sequences of ${kvHeads} heads of ${headDim}.`,
    );
  }
  const { recorder, arena } = tape;
  const table = rope ? [ropeTable(tape.gpu, { theta: rope.theta, headDim }, capacity)] : [];
  recorder.dispatch({
    kernel: "attention/step-keep",
    constants: { HEAD_DIM: headDim },
    before: rope ? angleFromTable : noAngle,
    bindings: [position, qkv, k, v, ...table],
    params: [batch, capacity, heads, kvHeads],
    groups: spread(Math.ceil((batch * width) / 4 / 64)),
    label: "attention step: rope, keep",
  });
  const o = tape.alloc([batch, heads * headDim], "attention step");
  const most = window ? Math.min(capacity, window.size + window.sink) : capacity;
  const parts = tape.gpu.info.software
    ? 1
    : Math.max(1, Math.min(Math.ceil(most / 256), Math.ceil(wantedGroups / (batch * heads))));
  const found = parts > 1 ? arena.alloc([batch * heads, parts, headDim], "attention step parts") : o;
  const scales = arena.alloc([batch * heads, parts, 2], "attention step scales");
  recorder.dispatch({
    kernel: "attention/step",
    constants: { HEAD_DIM: headDim, SCALE: 1 / Math.sqrt(headDim) },
    bindings: [position, qkv, k, v, found, scales],
    params: [batch, capacity, ...headParams(options), parts],
    groups: spread(batch * heads * parts),
    label: "attention step",
  });
  if (parts > 1) {
    recorder.dispatch({
      kernel: "attention/step-join",
      bindings: [found, scales, o],
      params: [(batch * heads * headDim) / 4, headDim / 4, parts],
      groups: spread(Math.ceil((batch * heads * headDim) / 4 / 64)),
      label: "attention step: join",
    });
    arena.release(found);
  }
  arena.release(scales);
  return o;
}
