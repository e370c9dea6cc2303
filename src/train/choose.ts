import type { Gpu } from "../gpu/gpu.js";
import { paperGpu } from "../gpu/paper.js";
import type { Recompute } from "../memory/recompute.js";
import { type TimingOptions, timeProducts } from "../ops/time-products.js";
import { TrainStep } from "./step.js";
import type { TrainSpec } from "./types.js";

/**
 * Finds the fastest tiles for the products of a training step, once an adapter and shape: takes up to half a minute the first time, nothing after.
 * It changes no bit of the outcome.
 */
export async function chooseTiles(
  gpu: Gpu,
  spec: Pick<TrainSpec, "config" | "batch" | "precision" | "optimizer" | "seed">,
  recompute?: Recompute,
  options?: TimingOptions,
): Promise<void> {
  // Of one that poses as a GPU, times say nothing.
  if (gpu.info.software || gpu.info.posing) return;
  const { products } = new TrainStep(paperGpu(gpu), spec, recompute);
  await timeProducts(gpu, products, options);
}
