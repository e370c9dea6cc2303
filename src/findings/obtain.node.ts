/** The runs of a finding at a scale: read from the store, or trained here, one after the other. */

import { type OpenOptions, openDataset } from "../data/node.js";
import type { Dataset } from "../data/types.js";
import { runId } from "../runs/identity.js";
import { readStore, writeRun } from "../runs/store.js";
import type { PlannedRun, RunRecord } from "../runs/types.js";
import type { TrainProgress } from "../train/progress.js";
import { describeData, type Finding, type Scale, type StudyRuns } from "./finding.js";
import { smokeData } from "./protocol.js";
import { given, type Part, recordedRuns, studiesOf } from "./recorded.node.js";
import { planStudy } from "./study.js";

export interface ObtainOptions extends Part {
  scale: Scale;
  /** The data to train on, at other scales than recorded. Default: the synthetic language. */
  data?: OpenOptions;
  /** Recorded: the store to read. Default: the runs that travel with the package. */
  store?: string;
  /** Nano and mini: the store that finished runs are kept in, and found in again. Default: "runs". */
  keep?: string;
  signal?: AbortSignal;
  /** Progress of the run under way; its label says which of how many it is. */
  onProgress?: (progress: TrainProgress) => void;
}

/**
 * Recorded: the finding's runs from the store. Other scales: trains what is missing, of its first study of that size (smoke: of any)
 * unless others are named.
 * When training is stopped, the seeds that are complete are given, and it is said which.
 * @throws Error as `recordedRuns` does; when a study is of another size; Stopped when no seed is complete; or what opening the data and training throw
 */
export async function obtainRuns(finding: Finding, options: ObtainOptions): Promise<StudyRuns> {
  const { scale, data, keep = "runs" } = options;
  if (scale === "recorded") return recordedRuns(finding, options);
  const named = options.studies && options.studies.length > 0;
  const fitting = finding.studies.filter(({ size }) => scale === "smoke" || size === scale);
  if (fitting.length === 0) throw new Error(`scale: ${finding.name} has no study of size ${scale}`);
  const studies = named ? studiesOf(finding, options.studies) : fitting.slice(0, 1);
  const other = studies.find(({ size }) => scale !== "smoke" && size !== scale);
  if (other) throw new Error(`scale: the study ${other.name} is of size ${other.size}; it was asked for at ${scale}`);
  const dataset = await openDataset(data ?? (scale === "smoke" ? smokeData : { data: "synthetic" }));
  const plan = { ...given(options), size: scale, data: describeData(dataset) };
  const planned = studies.flatMap((study) => planStudy(study, plan));
  // Smoke runs are not kept: they take seconds, and a kept one would hide that training no longer works.
  const runs = await trainGrid(planned, dataset, scale === "smoke" ? undefined : keep, options);
  return new Map(studies.map(({ name }) => [name, runs.filter((run) => run.finding === name)]));
}

/** Seeds of which every planned run is there: with them comparisons are whole. */
function completeSeeds(planned: readonly PlannedRun[], known: ReadonlyMap<string, RunRecord>): Set<number> {
  const seeds = new Set(planned.map(({ spec }) => spec.seed));
  for (const { spec } of planned) if (!known.has(runId(spec))) seeds.delete(spec.seed);
  return seeds;
}

async function trainGrid(
  planned: PlannedRun[],
  dataset: Dataset,
  store: string | undefined,
  { signal, onProgress }: ObtainOptions,
): Promise<RunRecord[]> {
  const known = new Map<string, RunRecord>();
  if (store !== undefined) for (const run of readStore(store)) known.set(run.id, run);
  // Studies may plan the same run.
  const missing = [...new Map(planned.map((run) => [runId(run.spec), run]))].flatMap(([id, run]) =>
    known.has(id) ? [] : [run],
  );
  if (missing.length > 0) {
    // Loaded here, so that recorded runs are read without the GPU code.
    const { Gpu } = await import("../gpu/gpu.js");
    const { trainRun } = await import("../runs/train-run.js");
    const gpu = await Gpu.open();
    try {
      for (const [i, run] of missing.entries()) {
        const label = `${run.label}, seed ${run.spec.seed} (run ${i + 1} of ${missing.length})`;
        const report = (progress: TrainProgress) => onProgress?.({ ...progress, label });
        const record = await trainRun(gpu, run, dataset, { signal, onProgress: report });
        if (store !== undefined) writeRun(store, record);
        known.set(record.id, record);
      }
    } catch (error) {
      if (!(error instanceof Error && error.name === "Stopped")) throw error;
      const complete = completeSeeds(planned, known);
      if (complete.size === 0) throw error;
      console.log(`${error.message} What follows rests on the seeds that are complete: ${[...complete].join(", ")}.`);
      planned = planned.filter(({ spec }) => complete.has(spec.seed));
    } finally {
      gpu.close();
    }
  }
  return planned.map(({ finding, label, spec }) => ({ ...known.get(runId(spec))!, finding, label }));
}
