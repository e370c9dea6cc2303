// How a product is cut into tiles, workgroups and parts of K.
import type { Gpu } from "../gpu/gpu.js";
import type { Recorder } from "../gpu/recorder.js";
import type { ElementType } from "../gpu/tensor.js";
import { fitsTensorKernel, tensorK, tensorTiles } from "./matmul-tensor.js";
import { tileK } from "./matmul-tiled.js";

/** All that decides how a product is cut. */
export interface ProductShape {
  m: number;
  n: number;
  k: number;
  transposeA: boolean;
  transposeB: boolean;
  /** K may not be split: something is added to the product on its way out. */
  whole: boolean;
  /** Of a, b and c. */
  types: readonly [ElementType, ElementType, ElementType];
  /** Whether f16 is multiplied on matrices, where there are any. */
  halves: boolean;
}

/**
 * Rows and columns of a workgroup's result; then 1 where the tiled kernel fetches ahead, or which form of the tensor kernel it is
 * (src/ops/matmul-tensor.ts).
 */
export type Tile = readonly [bm: number, bn: number] | readonly [bm: number, bn: number, form: number];

export interface ProductPlan {
  kernel: "direct" | "quads" | "tiled" | "tensor";
  tile: Tile;
  parts: number;
  /** K a part. */
  part: number;
}

const countTiles = ({ m, n }: ProductShape, [bm, bn]: Tile) => Math.ceil(m / bm) * Math.ceil(n / bn);

interface Forms {
  kernel: ProductPlan["kernel"];
  /** What the product may be cut into, the likeliest first. */
  tiles: readonly Tile[];
  /** The tile by whose number K is split: as many workgroups as fill a card. */
  counted: Tile;
  /** What a part of K is a multiple of, and no shorter than. */
  step: number;
  least: number;
}

function forms(gpu: Gpu, shape: ProductShape): Forms {
  const { m, n, k, halves } = shape;
  const { software, matrices } = gpu.info;
  if (software) {
    const quads = gpu.has("subgroups");
    const tile: Tile = quads ? [8, 16] : [8, 4];
    return { kernel: quads ? "quads" : "direct", tiles: [tile], counted: tile, step: k, least: k };
  }
  if (halves && matrices && fitsTensorKernel(matrices, gpu.limits.maxComputeWorkgroupStorageSize)) {
    const tiles = tensorTiles(m, n, matrices);
    // Large tiles are fastest where there are enough of them, which splitting K may see to.
    const large: Tile = [8 * matrices.m, 8 * matrices.n];
    const fits = m >= 0.75 * large[0] && n >= 0.75 * large[1];
    return { kernel: "tensor", tiles, counted: fits ? large : tiles[0], step: tensorK, least: 512 };
  }
  // Large tiles do more arithmetic a byte; small ones keep more of the GPU busy. 128 tiles fill most of a large card.
  const [large, small]: Tile[] = [
    [128, 128],
    [64, 64],
  ];
  const fits = m >= 96 && n >= 96 && (countTiles(shape, large) >= 128 || k >= 4096);
  const likely: Tile[] = fits ? [large, small] : [small, large];
  const ahead = [...likely, [128, 64], [64, 128]].map(([bm, bn]): Tile => [bm, bn, 1]);
  return { kernel: "tiled", tiles: [...likely, ...ahead], counted: likely[0], step: tileK, least: 256 };
}

/**
 * How a product is cut: its kernel and parts of K follow from its shape and the kind of adapter alone, for they decide its last bits. Its
 * tile, which does not, is the one that was fastest when this adapter was asked (`timeProducts`), else the likeliest.
 */
export function planProduct(gpu: Gpu, shape: ProductShape): ProductPlan {
  const { kernel, tiles, counted, step, least } = forms(gpu, shape);
  // A weight gradient has few tiles and a K of tens of thousands of tokens: split K, then add the parts in order.
  const wanted = Math.ceil(264 / countTiles(shape, counted));
  const asked = shape.whole ? 1 : Math.max(1, Math.min(wanted, Math.floor(shape.k / least)));
  const part = Math.ceil(shape.k / asked / step) * step;
  const chosen = gpu.choices.get(productKey(shape));
  const tile = tiles.find((one) => one.join() === chosen?.join()) ?? tiles[0];
  return { kernel, tile, parts: Math.ceil(shape.k / part), part };
}

/** The tiles that a product may be cut into, the one that is taken unasked first. */
export const tilesOf = (gpu: Gpu, shape: ProductShape): readonly Tile[] => forms(gpu, shape).tiles;

/** What a product goes by where choices are kept. */
export function productKey({ m, n, k, transposeA, transposeB, whole, types, halves }: ProductShape): string {
  const order = `${transposeA ? "T" : "N"}${transposeB ? "T" : "N"}`;
  return `${m}x${n}x${k} ${order} ${types.join(",")}${halves ? " mixed" : ""}${whole ? " whole" : ""}`;
}

const noted = new WeakMap<Recorder, Map<string, ProductShape>>();

/** Remembers that a product was recorded. */
export function noteProduct(recorder: Recorder, shape: ProductShape): void {
  if (!noted.has(recorder)) noted.set(recorder, new Map());
  noted.get(recorder)!.set(productKey(shape), shape);
}

/** The products that a recorder has recorded, each shape once. */
export const productsOf = (recorder: Recorder): ProductShape[] => [...(noted.get(recorder)?.values() ?? [])];
