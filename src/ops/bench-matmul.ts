import { Arena, download, tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { Recorder } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";
import { matmul, matrix } from "./matmul.js";

/** A measured square product, checked before it was timed. */
export interface MatmulRate {
  precision: "f32" | "f16";
  /** N of the N × N × N product. */
  size: number;
  /** 1e9 additions and multiplications a second: 2 N³ over the time. */
  gflops: number;
  /** Time of one product, the best of three rounds. */
  milliseconds: number;
  /** Largest error of the checked sums, relative to their root mean square. */
  error: number;
}

export interface MatmulRateOptions {
  /** Largest size tried. */
  most?: number;
  /** The last size is the one whose successor, eight times the work, would take longer than this. */
  milliseconds?: number;
}

/** Errors above these mean a wrong kernel or driver: one wrong element at 4096² is an error of at least 0.01. */
const tolerances = { f32: 1e-4, f16: 1e-2 };
const first = 256;
const blockK = 16;
/** Products of values k/64 in [-1, 1) are exact in f16 as well as in f32. */
const steps = 64;

/**
 * How fast this adapter multiplies matrices, at sizes from 256 up: small ones tell what a dispatch costs, large ones what
 * the adapter can do. "f32" times the matmul that braid trains with; "f16" times a plain kernel of `braid doctor` alone.
 * @throws Error when the product is wrong: a rate of wrong results says nothing.
 */
export async function matmulRates(
  gpu: Gpu,
  precision: MatmulRate["precision"],
  { most = 4096, milliseconds = 300 }: MatmulRateOptions = {},
): Promise<MatmulRate[]> {
  if (precision === "f16" && !gpu.has("shader-f16")) throw new Error("This adapter has no shader-f16.");
  const rates: MatmulRate[] = [];
  for (let size = first; size <= most; size *= 2) {
    const rate = await measure(gpu, precision, size);
    rates.push(rate);
    if (rate.milliseconds * 8 > milliseconds) break;
  }
  return rates;
}

async function measure(gpu: Gpu, precision: MatmulRate["precision"], n: number): Promise<MatmulRate> {
  const recorder = new Recorder(gpu);
  const arena = new Arena(gpu);
  const [a, b] = [randomSteps(n * n, 1), randomSteps(n * n, 2)];
  const tensors = [tensorOf(gpu, precision, a, "a"), tensorOf(gpu, precision, b, "b"), tensorFrom(gpu, [n, n], "c")];
  try {
    if (precision === "f32") {
      const [ma, mb, mc] = tensors.map((tensor) => matrix(tensor));
      matmul(recorder, arena, { a: ma, b: mb, c: mc });
    } else halfMatmul(recorder, tensors, n, "f16");
    recorder.submit();
    const error = productError(a, b, await download(gpu, tensors[2]), n, precision === "f16");
    if (!(error <= tolerances[precision])) {
      throw new Error(
        `The ${precision} matrix product is wrong on this adapter (relative error ${error.toPrecision(2)} at ${n}³): its driver or a kernel is at fault, don't train on it.`,
      );
    }
    const time = await timeOf(gpu, recorder);
    return { precision, size: n, gflops: (2 * n ** 3) / time / 1e6, milliseconds: time, error };
  } finally {
    for (const { buffer } of tensors) buffer.destroy();
    arena.destroy();
    recorder.destroy();
  }
}

/** Milliseconds a replay, the best of three rounds of about 0.1 s (one replay where that takes longer). */
async function timeOf(gpu: Gpu, recorder: Recorder): Promise<number> {
  const round = async (repeats: number) => {
    const start = performance.now();
    for (let i = 0; i < repeats; i++) recorder.submit();
    await gpu.idle();
    return (performance.now() - start) / repeats;
  };
  const once = await round(1);
  const repeats = Math.max(1, Math.min(100, Math.floor(100 / once)));
  const rounds = [await round(repeats), await round(repeats), await round(repeats)];
  return Math.min(...rounds);
}

/**
 * Records c = aᵀ·b with the 16-bit kernel; n is a multiple of 64.
 * @param type "f32" runs the same kernel in f32, so that it can be tested on adapters without shader-f16
 */
export function halfMatmul(recorder: Recorder, [a, b, c]: Tensor[], n: number, type: "f16" | "f32"): void {
  recorder.dispatch({
    kernel: "doctor/matmul-half",
    before: `${type === "f16" ? "enable f16;\n" : ""}alias half = ${type};\nconst BK = ${blockK}u;\n`,
    bindings: [a, b, c],
    params: [n],
    groups: [n / 64, n / 64],
  });
}

/** Multiples of 1/64 in [-1, 1). */
function randomSteps(count: number, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = (state >>> 25) / steps - 1;
  }
  return values;
}

function tensorOf(gpu: Gpu, precision: MatmulRate["precision"], values: Float32Array<ArrayBuffer>, label: string) {
  const n = Math.sqrt(values.length);
  if (precision === "f32") return tensorFrom(gpu, [n, n], label, values);
  const table = Uint16Array.from({ length: 2 * steps }, (_, k) => halfBits(k / steps - 1));
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) halves[i] = table[(values[i] + 1) * steps];
  return tensorFrom(gpu, [n, n / 2], label, new Uint32Array(halves.buffer));
}

/** The bits of a multiple of 1/64 in [-1, 1) as f16: sign, exponent (biased by 15), ten bits of fraction. */
export function halfBits(value: number): number {
  const size = Math.abs(value);
  if (size === 0) return 0;
  const exponent = Math.floor(Math.log2(size));
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | ((size / 2 ** exponent - 1) * 1024);
}

/**
 * Checks c = a·b (or aᵀ·b) as a whole in O(N²): c·r must equal a·(b·r) for a random r, in float64.
 * One wrong element of c shows, which a few sampled dot products would miss.
 * @returns the largest error of a row, relative to the root mean square of the rows; NaN where c has one
 */
export function productError(
  a: Float32Array,
  b: Float32Array,
  c: Float32Array,
  n: number,
  transposeA: boolean,
): number {
  const r = Float64Array.from(randomSteps(n, 3));
  const expected = timesVector(a, timesVector(b, r, n, false), n, transposeA);
  const actual = timesVector(c, r, n, false);
  let largest = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    largest = Math.max(largest, Math.abs(actual[i] - expected[i]));
    squares += expected[i] ** 2;
  }
  return largest / Math.sqrt(squares / n);
}

function timesVector(m: Float32Array, v: Float64Array, n: number, transpose: boolean): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    if (transpose) for (let j = 0; j < n; j++) out[j] += m[i * n + j] * v[i];
    else {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += m[i * n + j] * v[j];
      out[i] = sum;
    }
  }
  return out;
}
