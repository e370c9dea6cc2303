// Which kernels do the work of attention: tiled ones on GPUs, direct ones on software adapters. (In f16, see attention-tensor.ts.)
import { type KernelName, kernels } from "../gpu/kernels.generated.js";
import { type DispatchOptions, spread } from "../gpu/recorder.js";
import type { HeadShape } from "./attention-heads.js";
import { unrolled } from "./unroll.js";

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

/**
 * Whether an invocation takes a query (or key) by itself, without workgroup memory. Heads above 64 make the written-out loops so long
 * that compiling them takes longer than what they save.
 */
export const isDirect = (software: boolean, { headDim, valueDim }: HeadShape): boolean =>
  software && headDim <= 64 && valueDim <= 64;

/** One of the direct kernels, for `count` heads. */
function direct(body: KernelName, shape: HeadShape, rows: number, count: number): Kernel {
  return {
    kernel: "attention/direct",
    constants: shape.constants,
    before: writtenOut(body, "k", { QUADS: shape.headDim / 4, VALUE_QUADS: shape.valueDim / 4 }),
    groups: spread(Math.ceil((rows * count) / 16)),
  };
}

/** One of the tiled kernels, for `blocks` blocks of 64 rows. */
function tiled(body: KernelName, shape: HeadShape, blocks: number): Kernel {
  const { constants, spans } = tiling(shape);
  const before = kernels["attention/seen"] + writtenOut(body, "s", spans);
  return { kernel: "attention/tiles", constants, before, groups: spread(blocks) };
}

/** The forward pass of `length` queries a sequence, whose keys and values are found as `from` says. */
export function forwardKernel(
  software: boolean,
  shape: HeadShape,
  batch: number,
  length: number,
  from: "attention/from-rows" | "attention/from-cache",
): Kernel {
  const kernel = isDirect(software, shape)
    ? direct("attention/direct-forward", shape, batch * length, shape.heads)
    : tiled("attention/forward", shape, Math.ceil(length / 64) * batch * shape.heads);
  return { ...kernel, before: kernels[from] + kernel.before };
}

/** The gradient of queries, and that of keys and values. */
export function backwardKernels(
  software: boolean,
  shape: HeadShape,
  batch: number,
  length: number,
): Record<"query" | "key", Kernel> {
  const { heads, valueHeads } = shape;
  if (isDirect(software, shape)) {
    return {
      query: direct("attention/direct-query", shape, batch * length, heads),
      key: direct("attention/direct-key", shape, batch * length, valueHeads),
    };
  }
  const blocks = Math.ceil(length / 64) * batch;
  return {
    query: tiled("attention/backward-query", shape, blocks * heads),
    key: tiled("attention/backward-key", shape, blocks * valueHeads),
  };
}
