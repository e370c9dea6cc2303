import type { Dataset } from "../data/types.js";
import type { Gpu } from "../gpu/gpu.js";
import { type TrainOptions, train } from "../train/trainer.js";
import { provenance } from "./provenance.js";
import { makeRecord } from "./record.js";
import type { PlannedRun, RunRecord } from "./types.js";

/** Trains a planned run and records it with its provenance. Throws what `train` throws. */
export async function trainRun(
  gpu: Gpu,
  run: PlannedRun,
  dataset: Dataset,
  options: TrainOptions = {},
): Promise<RunRecord> {
  const started = performance.now();
  const result = await train(gpu, run.spec, dataset, options);
  return makeRecord(run, result, provenance(gpu.info, (performance.now() - started) / 1000));
}
