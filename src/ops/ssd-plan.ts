import type { KernelConstants } from "../gpu/gpu.js";
import type { MatrixShape } from "../gpu/info.js";
import { kernels } from "../gpu/kernels.generated.js";
import { type DispatchOptions, type Recorder, spread } from "../gpu/recorder.js";
import type { SsdOptions } from "./ssd.js";
import { fitsSsdTensor, type SsdTile, ssdTensorText } from "./ssd-tensor.js";

type Product = "scores" | "states" | "output" | "dbc";

/** How a scan is cut into chunks, tiles and workgroups: a function of its shape and of the kind of adapter alone. */
export interface SsdPlan {
  options: SsdOptions;
  /** Tokens a chunk, Q. */
  chunk: number;
  chunks: number;
  /** Elements of [B, H, T padded to whole chunks]. */
  count: number;
  /** Tiles along the head dimension, the chunk and the state: each leaves its own part of the sums along them. */
  parts: { p: number; q: number; n: number };
  /** Additions and multiplications of each product, causal pairs of a chunk only. */
  flops: Record<Product | "pairs", number>;
  /** Constants of the kernels that are no products. */
  sizes: KernelConstants;
  /** Everything but kernel and bindings of one of the products; `rest` are the parameters after `count`: base, stride, column. */
  product: (
    product: Product,
    rest?: number[],
    more?: { constants?: KernelConstants; rowSums?: boolean },
  ) => Pick<DispatchOptions, "constants" | "before" | "params" | "groups">;
}

/** The largest of the tile widths that divides all of `lengths`. */
const tileOf = (widths: number[], ...lengths: number[]): number =>
  widths.find((width) => lengths.every((length) => length % width === 0))!;

export function ssdPlan(options: SsdOptions, { gpu, halves }: Pick<Recorder, "gpu" | "halves">): SsdPlan {
  const { software, matrices } = gpu.info;
  const workgroupMemory = gpu.limits.maxComputeWorkgroupStorageSize;
  const { batch, length, heads, headDim, state, groups } = options;
  // Whole tiles, no longer than the sequence asks for; short ones where arithmetic is dear. A chunk's decays have to fit in workgroup memory.
  const onMatrices = halves && !software && matrices !== null;
  // On tensor cores products inside a chunk are cheap, and a large state between chunks is dear: as in mamba_ssm, 128 then.
  const least = onMatrices && state >= 128 ? 128 : 16;
  const asked = software ? 16 : Math.max(least, Math.floor(options.chunk / 16) * 16);
  const chunk = Math.min(asked, Math.ceil(length / 16) * 16, 256);
  const chunks = Math.ceil(length / chunk);
  const count = batch * heads * chunks * chunk;
  const widths = software ? [4] : [64, 32, 16, 8, 4];
  const q = tileOf(widths, chunk);
  const p = tileOf(widths, headDim);
  const n = tileOf(widths, state);
  const m = tileOf(widths, (heads / groups) * headDim);
  const inside = heads * headDim;
  /** Rows and columns of a result and of its tiles, and how many results a chunk has. */
  const shapes: Record<Product, [number, number, number, number, number]> = {
    scores: [chunk, chunk, q, q, groups],
    states: [inside, state, m, n, 1],
    output: [chunk, headDim, q, p, heads],
    dbc: [chunk, state, q, n, groups],
  };
  const sizes = { Q: chunk, H: heads };
  /** The tile of a product: as much of the inner dimension at a time as there is room for; and whether tensor cores multiply it. */
  const tileFor = (BM: number, BN: number): { tile: SsdTile; matrices: MatrixShape | null } => {
    const inner = [64, 32, 16, 8, 4].filter((width) => [headDim, state, q].every((length) => length % width === 0));
    const tiles = inner.map((BK) => ({ BM, BN, BK }));
    const fitting = onMatrices ? tiles.find((tile) => fitsSsdTensor(tile, matrices, workgroupMemory)) : undefined;
    return fitting ? { tile: fitting, matrices } : { tile: tiles.find(({ BK }) => BK <= 32)!, matrices: null };
  };
  /** `product` and `main`, and `put_rows` where the kernel has sums along rows. */
  const multiplying = ({ tile, matrices }: ReturnType<typeof tileFor>, rowSums: boolean): string => {
    if (software) return kernels["ssd/direct"] + (rowSums ? kernels["ssd/direct-rows"] : "");
    const text = matrices ? ssdTensorText(tile, matrices) : kernels["ssd/staged"];
    return kernels["ssd/staging"] + text + (rowSums ? kernels["ssd/staged-rows"] : "");
  };
  const triangle = (tokens: number) => (tokens * (tokens + 1)) / 2;
  const seen = 2 * batch * (Math.floor(length / chunk) * triangle(chunk) + triangle(length % chunk));
  const through = 2 * batch * length * inside * state;
  return {
    options,
    chunk,
    chunks,
    count,
    parts: { p: headDim / p, q: chunk / q, n: state / n },
    flops: {
      scores: seen * groups * state,
      states: through,
      output: through + seen * inside,
      pairs: seen * inside,
      dbc: through + seen * groups * state,
    },
    sizes: { ...sizes, SIZE: Math.min(chunk, 64) },
    product: (product, rest = [], { constants, rowSums = false } = {}) => {
      const [rows, columns, bm, bn, results] = shapes[product];
      const tiles = (rows / bm) * (columns / bn);
      const extent = { ROWS: rows, COLUMNS: columns, HEADS: results };
      const cut = tileFor(bm, bn);
      return {
        constants: { ...sizes, P: headDim, N: state, G: groups, ...extent, ...cut.tile, ...constants },
        before: kernels["ssd/common"] + multiplying(cut, rowSums),
        params: [length, chunks, batch, count, ...rest, ...[0, 0, 0].slice(rest.length)],
        groups: software
          ? spread(Math.ceil((tiles * results * batch * chunks) / 64))
          : [tiles, results, batch * chunks],
      };
    },
  };
}
