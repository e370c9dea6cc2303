/** A worker process of a sweep, and the words it exchanges with the parent. */
import { Stopped } from "../train/trainer.js";
import type { PlannedRun, RunRecord } from "./types.js";

/** A run to train, and where its checkpoints are kept, for the card that trains it. */
export interface Assignment {
  run: PlannedRun;
  checkpoints: string;
  /** Where the beginning is kept that the run shares with others of the sweep. */
  trunk?: string;
  card: string;
}

/** From parent to worker. `stop` ends the worker; a run under way is saved first. */
export type WorkerOrder = ({ type: "train" } & Assignment) | { type: "stop" };

/** From worker to parent. `ready` asks for a run; after `failed` and `stopped` the worker ends. */
export type WorkerReport =
  | { type: "ready" }
  | { type: "progress"; step: number; steps: number; loss: number; tokensPerSecond: number; secondsLeft: number }
  | { type: "done"; record: RunRecord }
  | { type: "stopped" }
  | { type: "failed"; message: string };

/** Trains one run; reports progress through `report`, and throws when the run fails, or `Stopped` on the signal. */
export type TrainOne = (
  assignment: Assignment,
  report: (progress: WorkerReport & { type: "progress" }) => void,
  signal: AbortSignal,
) => Promise<RunRecord>;

/** The worker's side: asks for runs until told to stop or a run fails, then resolves. */
export function workOff(train: TrainOne): Promise<void> {
  if (process.send === undefined) throw new Error("a sweep worker is started by `braid sweep`, not by hand");
  const tell = (report: WorkerReport) => process.connected && process.send?.(report);
  const stop = new AbortController();
  let busy = false;
  // Ctrl-C reaches every process of the terminal; what becomes of the runs, the parent says.
  process.on("SIGINT", () => {});
  return new Promise((resolve) => {
    const finish = () => {
      if (process.connected) process.disconnect();
      resolve();
    };
    const take = async (assignment: Assignment) => {
      busy = true;
      const last = await outcomeOf(async () => train(assignment, tell, stop.signal));
      busy = false;
      tell(last);
      // A device that failed once answers no more: the next run gets a fresh process.
      if (last.type !== "done" || stop.signal.aborted) finish();
      else tell({ type: "ready" });
    };
    process.on("message", (order: WorkerOrder) => {
      if (order.type === "train") return void take(order);
      stop.abort();
      if (!busy) finish();
    });
    // Without its parent nobody records the run, and the next sweep may already be at it: its checkpoint is left as it is.
    process.on("disconnect", () => {
      if (busy) process.exit(0);
      resolve();
    });
    tell({ type: "ready" });
  });
}

/** What becomes of a run; `train` may throw before its first await, too. */
async function outcomeOf(train: () => Promise<RunRecord>): Promise<WorkerReport> {
  try {
    return { type: "done", record: await train() };
  } catch (error) {
    if (error instanceof Stopped) return { type: "stopped" };
    return { type: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}
