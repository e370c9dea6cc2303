import type { Gpu } from "../gpu/gpu.js";
import type { ProfileRow, Work } from "../gpu/profile.js";
import { type CopyRate, copyRate } from "./copy.js";
import { type MatmulRate, type MatmulRateOptions, matmulRates } from "./matmul.js";

/** What an adapter was seen to reach: nothing that braid runs on it can be expected to do better. */
export interface Ceilings {
  copy: CopyRate;
  f32: MatmulRate[];
  /** Empty where the adapter has no matrices of f16. */
  mixed: MatmulRate[];
}

/** @throws Error when a copy or a product is wrong */
export async function measureCeilings(gpu: Gpu, options: MatmulRateOptions = {}): Promise<Ceilings> {
  const { repeats, seconds } = options;
  return {
    copy: await copyRate(gpu, { repeats, seconds }),
    f32: await matmulRates(gpu, "f32", options),
    mixed: gpu.info.matrices ? await matmulRates(gpu, "mixed", options) : [],
  };
}

/** The roof over one precision: 1e9 FLOPs a second of its best product, and 1e9 bytes a second of a copy. */
export interface Roof {
  gflops: number;
  gigabytes: number;
}

export function roofOf({ copy, f32, mixed }: Ceilings, precision: "f32" | "mixed"): Roof {
  const rates = precision === "mixed" ? [...f32, ...mixed] : f32;
  return { gflops: Math.max(...rates.map(({ gflops }) => gflops)), gigabytes: copy.gigabytes };
}

/** Milliseconds that some work takes under a roof: those of its products or those of its bytes, whichever are more. */
export const leastTime = ({ flops, bytes }: Work, roof: Roof): number =>
  Math.max(flops / roof.gflops, bytes / roof.gigabytes) / 1e6;

/** What one kind of dispatch reached. */
export interface KernelRate extends ProfileRow {
  /** Of the time of all. */
  share: number;
  gflopsPerSecond: number;
  gigabytesPerSecond: number;
  /** Of the roofline min(peak, FLOPs a byte × bandwidth). Over 1 where bytes came from caches, or the machine was busier before. */
  roofline: number;
}

export function kernelRates(rows: readonly ProfileRow[], roof: Roof): KernelRate[] {
  const total = rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return rows.map((row) => ({
    ...row,
    share: row.milliseconds / total,
    gflopsPerSecond: row.flops / row.milliseconds / 1e6,
    gigabytesPerSecond: row.bytes / row.milliseconds / 1e6,
    roofline: leastTime(row, roof) / row.milliseconds,
  }));
}
