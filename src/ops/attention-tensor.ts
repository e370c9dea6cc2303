// How the attention kernels on tensor cores are cut for an adapter's matrices and a model's heads. They are read from
// kernels/attention/tensor.wgsl on; kernels/NOTES.md says what the cut is expected to cost.
import type { Gpu } from "../gpu/gpu.js";
import type { MatrixShape } from "../gpu/info.js";
import { kernels } from "../gpu/kernels.generated.js";
import { type DispatchOptions, spread } from "../gpu/recorder.js";
import type { HeadShape } from "./attention-heads.js";
import { tensorKey, tensorQuery } from "./attention-tensor-backward.js";
import { tensorForward } from "./attention-tensor-forward.js";
import { flat, staged } from "./attention-tensor-text.js";
import { matrixDirectives, matrixTypes } from "./matmul-tensor.js";

type Pass = "forward" | "query" | "key";

/** The sizes of one kernel. */
interface Cut {
  /** Subgroups a workgroup. */
  subgroups: number;
  /** Matrices below each other that a subgroup keeps: a block is of subgroups · down · m rows. */
  down: number;
  /** Lines streamed at a time: the more, the fewer barriers. */
  lines: number;
  /** Tiles of them that have room: two save two of four barriers a tile backward; forward has no use for a second. */
  stages: number;
}

const cut = (lines: number, stages: number, subgroups = 4, down = 1): Cut => ({ subgroups, down, lines, stages });

/**
 * In order of preference, as kernels/NOTES.md measured: the first that divides for the adapter's matrices and fits the workgroup memory is
 * taken. Short tiles leave room for more workgroups.
 */
const preferred: Record<Pass, Cut[]> = {
  forward: [cut(16, 1, 8), cut(16, 1), cut(32, 1)],
  query: [cut(16, 2), cut(16, 1), cut(32, 1)],
  key: [cut(16, 1), cut(32, 1)],
};
/** Beyond it the sums of a subgroup leave no registers for anything else. */
const largestHead = 128;

type Kernel = Pick<DispatchOptions, "kernel" | "constants" | "before" | "groups">;

const texts: Record<Pass, string> = { forward: tensorForward, query: tensorQuery, key: tensorKey };

/**
 * The kernels of attention over qkv in f16, for `length` tokens in each of `batch` sequences; null where the adapter computes in software
 * or has no matrices, or the heads don't divide into them: then those of attention-kernels.ts serve.
 */
export function tensorKernels(gpu: Gpu, shape: HeadShape, batch: number, length: number): Record<Pass, Kernel> | null {
  const { matrices, software } = gpu.info;
  if (software || !matrices) return null;
  const cuts = tensorCuts(matrices, gpu.limits.maxComputeWorkgroupStorageSize, shape);
  if (!cuts) return null;
  const kernel = (pass: Pass, heads: number): Kernel => {
    const blocks = Math.ceil(length / rowsOf(cuts[pass], matrices));
    return { ...tensorKernel(pass, matrices, shape, cuts[pass]), groups: spread(blocks * batch * heads) };
  };
  return {
    forward: kernel("forward", shape.heads),
    query: kernel("query", shape.heads),
    key: kernel("key", shape.valueHeads),
  };
}

/** How each kernel is cut within `memory` bytes of workgroup memory; null where one can't be. */
export function tensorCuts(matrices: MatrixShape, memory: number, shape: HeadShape): Record<Pass, Cut> | null {
  const { m, n, k, lanes } = matrices;
  const dims = [shape.headDim, shape.valueDim];
  if (lanes % m !== 0 || dims.some((dim) => dim > largestHead || dim % n || dim % k || dim % 8)) return null;
  // Every line of a tile needs an invocation for its statistics, and invocations share rows of scores in whole vec4s.
  const divides = ({ lines, subgroups }: Cut) =>
    lines % Math.max(n, k, (4 * lanes) / m) === 0 && lines <= subgroups * lanes;
  const choose = (pass: Pass) =>
    preferred[pass].find((one) => divides(one) && bytes(pass, one, rowsOf(one, matrices), shape) <= memory);
  const [forward, query, key] = [choose("forward"), choose("query"), choose("key")];
  return forward && query && key ? { forward, query, key } : null;
}

/** Rows that a workgroup keeps. */
const rowsOf = ({ subgroups, down }: Cut, { m }: MatrixShape): number => subgroups * down * m;

/** Workgroup memory: the streamed tiles, strips of scores and weights (see kernels/attention/tensor.wgsl), and what is less than a row. */
function bytes(pass: Pass, { lines, stages }: Cut, rows: number, { headDim, valueDim }: HeadShape): number {
  const tiles = 2 * stages * lines * (headDim + pad + valueDim + pad);
  const strips = { forward: 4 + 2, query: 4 + 4 + 2, key: 4 + 4 + 2 + 2 }[pass];
  return tiles + strips * rows * (lines + pad) + (pass === "key" ? 2 * 4 * stages * lines : 16);
}
/** As in kernels/attention/tensor.wgsl. */
const pad = 8;

function tensorKernel(pass: Pass, matrices: MatrixShape, shape: HeadShape, cut: Cut): Omit<Kernel, "groups"> {
  const { m, n, k, lanes } = matrices;
  const { headDim, valueDim } = shape;
  const { lines, stages, subgroups, down } = cut;
  const [keyChunk, valueChunk] = [divisor(headDim, lines), divisor(valueDim, lines)];
  const turns = (dim: number) => Math.ceil((lines * dim) / 8 / (subgroups * lanes));
  const text =
    kernels["attention/seen"] +
    flat(staged("KEY") + staged("VALUE") + texts[pass], [
      ["c", "KEY_CHUNKS", headDim / keyChunk],
      ["c", "VALUE_CHUNKS", valueDim / valueChunk],
      ["b", "KEY_CHUNK_BLOCKS", keyChunk / n],
      ["b", "VALUE_CHUNK_BLOCKS", valueChunk / n],
      ["b", "KEY_BLOCKS", headDim / n],
      ["b", "VALUE_BLOCKS", valueDim / n],
      ["k", "KEY_CHUNK_STEPS", keyChunk / k],
      ["k", "VALUE_CHUNK_STEPS", valueChunk / k],
      ["k", "KEY_STEPS", headDim / k],
      ["k", "VALUE_STEPS", valueDim / k],
      ["n", "QUADS", (lines * m) / (4 * lanes)],
      ["r", "DOWN", down],
      ["t", "KEY_TURNS", turns(headDim)],
      ["t", "VALUE_TURNS", turns(valueDim)],
    ]);
  return {
    kernel: "attention/tensor",
    constants: {
      ...shape.constants,
      ...{ M: m, N: n, K: k, LANES: lanes, SUBGROUPS: subgroups, DOWN: down, LINES: lines, STAGES: stages },
      ...{ KEY_CHUNK: keyChunk, VALUE_CHUNK: valueChunk },
    },
    before: matrixDirectives + matrixTypes(matrices) + text,
  };
}

/** The largest number that divides both. */
const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
