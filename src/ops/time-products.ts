import { Arena } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { Recorder } from "../gpu/recorder.js";
import { type MatmulOptions, matmul, matrix } from "./matmul.js";
import { type ProductShape, productKey, type Tile, tilesOf } from "./matmul-plan.js";

/** Products in one submission, which costs as much as a small product. */
const together = 16;
/** Milliseconds of work to time a tile by, and how often. */
const enough = 3;
const rounds = 4;
/** Milliseconds of work before the clock starts: a card that idled while kernels were compiled runs at a fraction of its speed. */
const warmUp = 60;

export interface TimingOptions {
  /** Told how many of the products that are to be timed have been. */
  onTimed?: (done: number, all: number) => void;
  /** Leaves the rest to the next time. */
  signal?: AbortSignal;
}

/**
 * Times every tile of the products that this adapter has no choice for yet, taking turns, and keeps the fastest. The results of a product have
 * the same bits whatever its tile, so a choice changes time alone. Software adapters have one tile and are not timed.
 * @returns how many products were timed
 */
export async function timeProducts(
  gpu: Gpu,
  shapes: readonly ProductShape[],
  { onTimed, signal }: TimingOptions = {},
): Promise<number> {
  const open = shapes.filter((shape) => tilesOf(gpu, shape).length > 1 && !gpu.choices.has(productKey(shape)));
  let timed = 0;
  for (const shape of open) {
    if (signal?.aborted) break;
    onTimed?.(timed, open.length);
    const key = productKey(shape);
    const tiles = tilesOf(gpu, shape);
    // One set of operands for all: a large model's are a good part of the memory.
    const arena = new Arena(gpu);
    const options = operands(arena, shape);
    const products: TimedProduct[] = [];
    try {
      for (const tile of tiles) products.push(new TimedProduct(gpu, shape, tile, arena, options));
      const start = performance.now();
      do for (const product of products) await product.run(1);
      while (performance.now() - start < warmUp);
      for (let round = 0; round < rounds; round++) for (const product of products) await product.time();
      // The first is taken unless another is better by more than the clock's noise.
      const best = products.reduce((best, product) => (product.least < 0.97 * best.least ? product : best));
      gpu.choices.set(key, best.tile);
    } finally {
      for (const product of products) product.destroy();
      arena.destroy();
    }
    timed++;
    gpu.keepChoices();
  }
  if (timed > 0) onTimed?.(timed, open.length);
  return timed;
}

/** A product of such a shape. */
function operands(arena: Arena, { m, n, k, transposeA, transposeB, whole, types }: ProductShape): MatmulOptions {
  const a = arena.alloc(transposeA ? [k, m] : [m, k], "timed a", types[0]);
  const b = arena.alloc(transposeB ? [n, k] : [k, n], "timed b", types[1]);
  const c = arena.alloc([m, n], "timed c", types[2]);
  const d = whole ? arena.alloc([m, n], "timed d", types[2]) : undefined;
  return { a: matrix(a), b: matrix(b), c: matrix(c), transposeA, transposeB, ...(d && { add: matrix(d) }) };
}

/** A product cut into one tile, recorded a few times. */
class TimedProduct {
  /** Milliseconds of one product, in the fastest burst. */
  least = Number.POSITIVE_INFINITY;
  private readonly recorder: Recorder;
  /** Submissions a burst. */
  private count = 1;

  constructor(
    private readonly gpu: Gpu,
    shape: ProductShape,
    readonly tile: Tile,
    arena: Arena,
    options: MatmulOptions,
  ) {
    const key = productKey(shape);
    this.recorder = new Recorder(gpu, shape.halves ? "mixed" : "f32");
    gpu.choices.set(key, tile);
    try {
      for (let i = 0; i < together; i++) matmul(this.recorder, arena, options);
    } finally {
      gpu.choices.delete(key);
    }
  }

  async run(count: number): Promise<void> {
    for (let i = 0; i < count; i++) this.recorder.submit();
    await this.gpu.idle();
  }

  async time(): Promise<void> {
    for (;;) {
      const start = performance.now();
      await this.run(this.count);
      const milliseconds = performance.now() - start;
      if (milliseconds >= enough) {
        this.least = Math.min(this.least, milliseconds / this.count / together);
        return;
      }
      this.count *= 2;
    }
  }

  destroy(): void {
    this.recorder.destroy();
  }
}
