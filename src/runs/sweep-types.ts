import type { Card, CrewOptions } from "./card.js";
import type { PlannedRun, RunRecord } from "./types.js";
import type { WorkerReport } from "./worker.js";

export interface SweepOptions {
  /** In the order of claiming. */
  runs: readonly PlannedRun[];
  /** JSONL that finished runs are appended to; runs that it holds already are skipped. */
  out: string;
  /** Runs finished elsewhere (a store), skipped as well. */
  finished?: readonly RunRecord[];
  cards: readonly Card[];
  /** How it is measured whether one more process pays. */
  measuring?: CrewOptions;
  /** Seconds after which no run is started that would, by the slowest so far, not end in time. */
  timeLimit?: number;
  /** Program and arguments of a worker process; it must call `workOff`. */
  worker: readonly [program: string, ...args: string[]];
  /** Aborting stops the workers, which save the runs under way. */
  signal?: AbortSignal;
  onEvent?: (event: SweepEvent) => void;
}

/** What happens to a run in a worker process; `job` numbers the processes of all cards. */
interface RunEvent {
  run: PlannedRun;
  card: string;
  job: number;
}

export type SweepEvent =
  | ({ type: "start" } & RunEvent)
  | ({ type: "progress"; report: Extract<WorkerReport, { type: "progress" }> } & RunEvent)
  | ({ type: "done"; record: RunRecord } & RunEvent)
  | ({ type: "stopped" } & RunEvent)
  | ({ type: "failed"; message: string; again: boolean } & RunEvent)
  | { type: "packing"; card: string; words: string };

export interface SweepReport {
  done: RunRecord[];
  failed: { run: PlannedRun; message: string }[];
  /** Not started or not ended, for lack of time, because of an abort, or because of the problem. */
  left: PlannedRun[];
  /** Why worker processes cannot be started, if so. */
  problem?: string;
}
