/** The runs of a finding at a scale: read from the store, or trained here, one after the other. */

import { type OpenOptions, openDataset } from "../data/node.js";
import type { Dataset } from "../data/types.js";
import { runId } from "../runs/identity.js";
import { readStore, writeRun } from "../runs/store.js";
import type { PlannedRun, RunRecord } from "../runs/types.js";
import type { TrainProgress } from "../train/progress.js";
import { describeData, type Finding, type Scale, smokeData } from "./finding.js";
import { type GridPart, gridPart, recordedRuns } from "./recorded.node.js";

export interface ObtainOptions extends GridPart {
  scale: Scale;
  /** The data to train on, at smoke and nano scale. Default: the synthetic language. */
  data?: OpenOptions;
  /** Recorded: the store to read. Default: the runs that travel with the package. */
  store?: string;
  /** Nano: the store that finished runs are kept in, and found in again. Default: "runs". */
  keep?: string;
  signal?: AbortSignal;
  /** Progress of the run under way; its label says which of how many it is. */
  onProgress?: (progress: TrainProgress) => void;
}

/**
 * Recorded: the finding's runs from the store. Smoke and nano: trains what is missing.
 * @throws Error as `recordedRuns` does; or what opening the data and training throw
 */
export async function obtainRuns(finding: Finding, options: ObtainOptions): Promise<RunRecord[]> {
  const { scale, data, keep = "runs" } = options;
  if (scale === "recorded") return recordedRuns(finding, options);
  const dataset = await openDataset(data ?? (scale === "smoke" ? smokeData : { data: "synthetic" }));
  const planned = gridPart(finding, options, { scale, data: describeData(dataset) });
  // Smoke runs are not kept: they take seconds, and a kept one would hide that training no longer works.
  return trainGrid(planned, dataset, scale === "nano" ? keep : undefined, options);
}

async function trainGrid(
  planned: PlannedRun[],
  dataset: Dataset,
  store: string | undefined,
  { signal, onProgress }: ObtainOptions,
): Promise<RunRecord[]> {
  const known = new Map<string, RunRecord>();
  if (store !== undefined) for (const run of readStore(store)) known.set(`${run.finding} ${run.id}`, run);
  const keyOf = (run: PlannedRun) => `${run.finding} ${runId(run.spec)}`;
  const missing = planned.filter((run) => !known.has(keyOf(run)));
  if (missing.length > 0) {
    // Loaded here, so that recorded runs are read without the GPU code.
    const { Gpu } = await import("../gpu/gpu.js");
    const { trainRun } = await import("../runs/train-run.js");
    const gpu = await Gpu.open();
    try {
      for (const [i, run] of missing.entries()) {
        const number = planned.length - missing.length + i + 1;
        const label = `${run.label}, seed ${run.spec.seed} (run ${number} of ${planned.length})`;
        const report = (progress: TrainProgress) => onProgress?.({ ...progress, label });
        const record = await trainRun(gpu, run, dataset, { signal, onProgress: report });
        if (store !== undefined) writeRun(store, record);
        known.set(keyOf(run), record);
      }
    } finally {
      gpu.close();
    }
  }
  return planned.map((run) => known.get(keyOf(run)) as RunRecord);
}
