/** The runs of a finding at a scale: read from the store, or trained here. */

import { join } from "node:path";
import { type OpenOptions, openDataset } from "../data/node.js";
import type { Dataset } from "../data/types.js";
import { Gpu } from "../gpu/gpu.js";
import { runId } from "../runs/identity.js";
import { packageStore, readStore, writeRun } from "../runs/store.js";
import { trainRun } from "../runs/train-run.js";
import type { PlannedRun, RunRecord } from "../runs/types.js";
import type { TrainProgress } from "../train/progress.js";
import { describeData, type Finding, type GridOptions, type Scale, smokeData } from "./finding.js";

export interface ObtainOptions {
  scale: Scale;
  /** Default, and where the list is empty: the scale's own. */
  seeds?: readonly number[];
  /** Only these labels; all where the list is empty. */
  labels?: readonly string[];
  /** Training tokens a run. Default: the scale's own. */
  tokens?: number;
  /** The runs of the learning-rate check instead of the grid. */
  learningRates?: boolean;
  /** The data to train on, at smoke and nano scale. Default: the synthetic language. */
  data?: OpenOptions;
  /** Recorded: the store to read. Nano: the store that finished runs go to and are resumed from; default `runs`. */
  store?: string;
  signal?: AbortSignal;
  /** Progress of the run under way; its label says which of how many it is. */
  onProgress?: (progress: TrainProgress) => void;
}

/**
 * Recorded: the finding's runs from the store. Smoke and nano: trains what is missing, one run after the other.
 * @throws Error listing the runs that the store lacks and the command that makes them; or what training throws
 */
export async function obtainRuns(finding: Finding, options: ObtainOptions): Promise<RunRecord[]> {
  if (options.scale === "recorded") return recordedRuns(finding, options);
  const dataset = await openData(options);
  const planned = gridOf(finding, options, { scale: options.scale, data: describeData(dataset) });
  // Smoke runs are not kept: they take seconds, and a kept one would hide that training no longer works.
  const store = options.scale === "nano" ? (options.store ?? "runs") : undefined;
  return trainGrid(planned, dataset, store, options);
}

/** Reads the recorded runs of a finding, in grid order. */
export function recordedRuns(finding: Finding, options: ObtainOptions): RunRecord[] {
  const store = options.store ?? packageStore;
  const planned = gridOf(finding, options, { scale: "nano", data: finding.recordedData });
  const name = planned[0]?.finding ?? finding.name;
  const known = new Map(readStore(store, name).map((run) => [run.id, run]));
  const missing = planned.filter((run) => !known.has(runId(run.spec)));
  if (missing.length > 0) throw new Error(missingRuns(finding, name, planned.length, missing, store, options));
  return planned.map((run) => known.get(runId(run.spec)) as RunRecord);
}

function gridOf(finding: Finding, options: ObtainOptions, base: Pick<GridOptions, "scale" | "data">): PlannedRun[] {
  const { seeds, labels, tokens, learningRates } = options;
  const given = <T>(list?: readonly T[]) => (list && list.length > 0 ? list : undefined);
  const grid = { ...base, seeds: given(seeds), labels: given(labels), tokens };
  return learningRates ? finding.learningRateGrid(grid) : finding.grid(grid);
}

function missingRuns(
  finding: Finding,
  name: string,
  total: number,
  missing: PlannedRun[],
  store: string,
  { learningRates }: ObtainOptions,
): string {
  const told = missing.slice(0, 6).map((run) => {
    const rate = learningRates ? `, learning rate ${run.spec.optimizer.lr}` : "";
    return `${run.label} seed ${run.spec.seed}${rate} (${join(store, name, runId(run.spec))}.json)`;
  });
  const more = missing.length > told.length ? `, and ${missing.length - told.length} more` : "";
  const flags = learningRates ? " --learning-rates" : "";
  return `${missing.length} of ${total} recorded runs of ${name} are missing: ${told.join(", ")}${more}. Train them on a GPU with "braid sweep --finding ${finding.name}${flags} --scale nano --data TEXT --validation TEXT --tokenizer FILE --out runs.jsonl", then "braid runs import runs.jsonl"`;
}

async function openData({ scale, data }: ObtainOptions): Promise<Dataset> {
  return openDataset(data ?? (scale === "smoke" ? smokeData : { data: "synthetic" }));
}

async function trainGrid(
  planned: PlannedRun[],
  dataset: Dataset,
  store: string | undefined,
  { signal, onProgress }: ObtainOptions,
): Promise<RunRecord[]> {
  const stored = store === undefined || planned.length === 0 ? [] : readStore(store, planned[0].finding);
  const known = new Map(stored.map((run) => [run.id, run]));
  const runs = new Map<PlannedRun, RunRecord>();
  for (const run of planned) {
    const record = known.get(runId(run.spec));
    if (record) runs.set(run, record);
  }
  const missing = planned.filter((run) => !runs.has(run));
  if (missing.length > 0) {
    const gpu = await Gpu.open();
    try {
      for (const run of missing) {
        const label = `${run.label}, seed ${run.spec.seed} (run ${runs.size + 1} of ${planned.length})`;
        const report = (progress: TrainProgress) => onProgress?.({ ...progress, label });
        const record = await trainRun(gpu, run, dataset, { signal, onProgress: report });
        if (store !== undefined) writeRun(store, record);
        runs.set(run, record);
      }
    } finally {
      gpu.close();
    }
  }
  return planned.map((run) => runs.get(run) as RunRecord);
}
