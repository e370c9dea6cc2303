import type { KernelConstants } from "../gpu/gpu.js";
import { kernels } from "../gpu/kernels.generated.js";
import type { SsdOptions } from "./ssd.js";

type Product = "scores" | "states" | "output" | "dbc";

/** How a scan is cut into chunks, tiles and workgroups: a function of its shape alone. */
export interface SsdPlan {
  options: SsdOptions;
  /** Tokens a chunk, Q. */
  chunk: number;
  chunks: number;
  /** Tiles along the head dimension, the chunk and the state: each leaves its own part of the sums along them. */
  parts: { p: number; q: number; n: number };
  sizes: KernelConstants;
  /** Constants and shared text of the kernel for one of the products. */
  tile: (product: Product, more?: KernelConstants, rowSums?: boolean) => { constants: KernelConstants; before: string };
  groups: Record<Product, [number, number, number]>;
}

/** The largest of the tile widths that divides all of `lengths`. */
const tileOf = (widths: number[], ...lengths: number[]): number =>
  widths.find((width) => lengths.every((length) => length % width === 0))!;

export function ssdPlan(options: SsdOptions): SsdPlan {
  const { batch, length, heads, headDim, state, groups } = options;
  // Whole tiles, no longer than the sequence asks for; a chunk's decays have to fit in workgroup memory.
  const up = Math.ceil(length / 16) * 16;
  const chunk = Math.min(Math.max(16, Math.floor(options.chunk / 16) * 16), up, 256);
  const chunks = Math.ceil(length / chunk);
  const widths = [64, 32, 16, 8, 4];
  const q = tileOf(widths, chunk);
  const p = tileOf(widths, headDim);
  const n = tileOf(widths, state);
  const m = tileOf(widths, (heads / groups) * headDim);
  const sizes = { Q: chunk, H: heads };
  const tiles: Record<Product, [number, number]> = { scores: [q, q], states: [m, n], output: [q, p], dbc: [q, n] };
  const inner = tileOf([16, 8, 4], headDim, state);
  return {
    options,
    chunk,
    chunks,
    parts: { p: headDim / p, q: chunk / q, n: state / n },
    sizes,
    tile: (product, more = {}, rowSums = false) => ({
      constants: {
        ...sizes,
        P: headDim,
        N: state,
        G: groups,
        BM: tiles[product][0],
        BN: tiles[product][1],
        BK: inner,
        ...more,
      },
      before: kernels["ssd/tile"] + (rowSums ? kernels["ssd/row-sums"] : ""),
    }),
    groups: {
      scores: [(chunk / q) ** 2, groups, batch * chunks],
      states: [state / n, (heads * headDim) / m, batch * chunks],
      output: [(headDim / p) * (chunk / q), heads, batch * chunks],
      dbc: [(state / n) * (chunk / q), groups, batch * chunks],
    },
  };
}
