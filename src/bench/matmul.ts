import { Arena, download, upload } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { Recorder } from "../gpu/recorder.js";
import { matmul, matrix } from "../ops/matmul.js";
import { productError, randomSteps } from "./product-check.js";
import { alternate, type Burst, type Contender, gpuBurst, type Rounds } from "./timing.js";

/** "f32", or "mixed": in f16, summed in f32, on the adapter's matrices. */
export type MatmulPrecision = "f32" | "mixed";

/** A measured square product, checked before it was timed. */
export interface MatmulRate {
  precision: MatmulPrecision;
  /** N of the N × N × N product. */
  size: number;
  /** 1e9 additions and multiplications a second: 2 N³ over the time. */
  gflops: number;
  /** Time of one product, in the fastest of some bursts: what the adapter can do. */
  milliseconds: number;
  /** Largest error of the checked sums, relative to their root mean square. */
  error: number;
}

export interface MatmulRateOptions extends Partial<Rounds> {
  /** Largest size tried. */
  most?: number;
  /** The last size is the one whose successor, eight times the work, would take longer than this. */
  milliseconds?: number;
}

/** Errors above these mean a wrong kernel or driver: one wrong element at 4096² is an error of at least 0.01. */
const tolerances = { f32: 1e-4, mixed: 1e-2 };

/**
 * How fast this adapter multiplies matrices with the products that braid trains with: small ones tell what a dispatch costs, large ones
 * what the adapter can do.
 * @throws Error when a product is wrong, or "mixed" is asked of an adapter without matrices of f16
 */
export async function matmulRates(
  gpu: Gpu,
  precision: MatmulPrecision,
  { most = 4096, milliseconds = 300, repeats = 3, seconds = 0.1 }: MatmulRateOptions = {},
): Promise<MatmulRate[]> {
  const rates: MatmulRate[] = [];
  for (let size = 256; size <= most; size *= 2) {
    const product = new Product(gpu, precision, size);
    try {
      const error = await product.check();
      const [timing] = await alternate([product], { repeats, seconds });
      rates.push({ precision, size, ...rateOf(size, timing.least), error });
    } finally {
      product.destroy();
    }
    if (rates.at(-1)!.milliseconds * 8 > milliseconds) break;
  }
  return rates;
}

/** What a square product's time comes to. */
export function rateOf(size: number, seconds: number): Pick<MatmulRate, "gflops" | "milliseconds"> {
  return { gflops: (2 * size ** 3) / seconds / 1e9, milliseconds: seconds * 1000 };
}

/** A product of two random matrices [N, N], recorded once. */
export class Product implements Contender {
  readonly name: string;
  private readonly recorder: Recorder;
  private readonly arena: Arena;

  /** @throws Error when "mixed" is asked of an adapter without matrices of f16 */
  constructor(
    readonly gpu: Gpu,
    readonly precision: MatmulPrecision,
    readonly size: number,
  ) {
    if (precision === "mixed" && !gpu.info.matrices) throw new Error("This adapter has no matrices of f16.");
    this.name = `braid ${precision}`;
    this.recorder = new Recorder(gpu, precision);
    this.arena = new Arena(gpu);
  }

  /**
   * Records the product and compares it with float64. Must come before `burst`.
   * @returns its error @throws Error when it is too large
   */
  async check(): Promise<number> {
    const { gpu, size: n, precision } = this;
    const [a, b] = [randomSteps(n * n, 1), randomSteps(n * n, 2)];
    // Operands lie in memory as activations and weights do in training.
    const kept = this.recorder.halves ? "f16" : "f32";
    const [ta, tb] = ["a", "b"].map((label) => this.arena.alloc([n, n], label, kept));
    const tc = this.arena.alloc([n, n], "c");
    upload(gpu, ta, a);
    upload(gpu, tb, b);
    matmul(this.recorder, this.arena, { a: matrix(ta), b: matrix(tb), c: matrix(tc) });
    this.recorder.submit();
    const error = productError(a, b, await download(gpu, tc), n);
    if (error <= tolerances[precision]) return error;
    throw new Error(
      `The ${precision} matrix product is wrong on this adapter (relative error ${error.toPrecision(2)} at ${n}³): its driver or a kernel is at fault, don't train on it.`,
    );
  }

  burst(seconds: number): Promise<Burst> {
    return gpuBurst(this.gpu, () => this.recorder.submit(), seconds);
  }

  destroy(): void {
    this.recorder.destroy();
    this.arena.destroy();
  }
}
