import { Arena } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { Recorder } from "../gpu/recorder.js";
import { type MatmulOptions, matmul, matrix } from "./matmul.js";
import { type ProductShape, productKey, type Tile, tilesOf } from "./matmul-plan.js";

/** Products in one submission, which costs as much as a small product. */
const together = 16;
/** Milliseconds of work to time a tile by, and how often. */
const enough = 3;
const repeats = 3;

/**
 * Times every tile of the products that this adapter has no choice for yet, and keeps the fastest. The results of a product have the
 * same bits whatever its tile, so a choice changes time alone. Software adapters have one tile and are not timed.
 * @returns how many products were timed
 */
export async function timeProducts(gpu: Gpu, shapes: Iterable<ProductShape>): Promise<number> {
  let timed = 0;
  for (const shape of shapes) {
    const key = productKey(shape);
    const tiles = tilesOf(gpu, shape);
    if (tiles.length < 2 || gpu.choices.has(key)) continue;
    let best: { tile: Tile; milliseconds: number } | undefined;
    for (const tile of tiles) {
      const milliseconds = await timeTile(gpu, shape, tile);
      // The first is taken unless another is better by more than the clock's noise.
      if (!best || milliseconds < 0.97 * best.milliseconds) best = { tile, milliseconds };
    }
    gpu.choices.set(key, best!.tile);
    timed++;
  }
  if (timed > 0) gpu.keepChoices();
  return timed;
}

/** The least milliseconds that a product took with this tile. */
async function timeTile(gpu: Gpu, shape: ProductShape, tile: Tile): Promise<number> {
  const { m, n, k, transposeA, transposeB, whole, types, halves } = shape;
  const key = productKey(shape);
  const arena = new Arena(gpu);
  const recorder = new Recorder(gpu, halves ? "mixed" : "f32");
  const a = arena.alloc(transposeA ? [k, m] : [m, k], "timed a", types[0]);
  const b = arena.alloc(transposeB ? [n, k] : [k, n], "timed b", types[1]);
  const c = arena.alloc([m, n], "timed c", types[2]);
  const options: MatmulOptions = { a: matrix(a), b: matrix(b), c: matrix(c), transposeA, transposeB };
  if (whole) options.add = matrix(arena.alloc([m, n], "timed d", types[2]));
  gpu.choices.set(key, tile);
  try {
    for (let i = 0; i < together; i++) matmul(recorder, arena, options);
    let least = Number.POSITIVE_INFINITY;
    // The first submission compiles.
    recorder.submit();
    await gpu.idle();
    let count = 1;
    for (let turn = 0; turn < repeats; ) {
      const start = performance.now();
      for (let i = 0; i < count; i++) recorder.submit();
      await gpu.idle();
      const milliseconds = performance.now() - start;
      if (milliseconds < enough) count *= 2;
      else {
        least = Math.min(least, milliseconds / count / together);
        turn++;
      }
    }
    return least;
  } finally {
    gpu.choices.delete(key);
    recorder.destroy();
    arena.destroy();
  }
}
