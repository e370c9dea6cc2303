/**
 * A sweep makes many runs with a few worker processes. The parent alone decides who trains what and writes the JSONL; a
 * worker opens one GPU device, asks for a run, trains it, reports, and asks again. A worker that dies takes only its
 * run along: that run is tried once more in a fresh process.
 */
import { spawn } from "node:child_process";
import { runId } from "./identity.js";
import { appendJsonl, resumeJsonl } from "./jsonl.js";
import type { PlannedRun, RunRecord } from "./types.js";

/** From parent to worker. */
export type WorkerOrder = { type: "train"; run: PlannedRun } | { type: "stop" };

/** From worker to parent. `ready` asks for a run. */
export type WorkerReport =
  | { type: "ready" }
  | { type: "progress"; step: number; steps: number; loss: number; tokensPerSecond: number }
  | { type: "done"; record: RunRecord }
  | { type: "failed"; message: string };

export interface SweepOptions {
  /** In the order of claiming. */
  runs: readonly PlannedRun[];
  /** JSONL that finished runs are appended to; runs that it holds already are skipped. */
  out: string;
  /** Runs finished elsewhere (a store), skipped as well. */
  finished?: readonly RunRecord[];
  /** Worker processes side by side. */
  jobs: number;
  /** Seconds after which no run is started that would, by the slowest so far, not end in time. */
  timeLimit?: number;
  /** Program and arguments of a worker process; it must call `workOff`. */
  worker: readonly [program: string, ...args: string[]];
  /** Aborting stops the workers and loses the runs under way. */
  signal?: AbortSignal;
  onEvent?: (event: SweepEvent) => void;
}

export type SweepEvent =
  | { type: "start"; run: PlannedRun; job: number }
  | { type: "progress"; run: PlannedRun; job: number; report: Extract<WorkerReport, { type: "progress" }> }
  | { type: "done"; run: PlannedRun; job: number; record: RunRecord }
  | { type: "failed"; run: PlannedRun; job: number; message: string; again: boolean };

export interface SweepReport {
  skipped: number;
  done: RunRecord[];
  failed: { run: PlannedRun; message: string }[];
  /** Not started, for lack of time, because of an abort, or because of the problem. */
  left: PlannedRun[];
  /** Why worker processes cannot be started, if so. */
  problem?: string;
}

/** The key under which a run counts as made: the same training may belong to two findings. */
const keyOf = (run: PlannedRun) => `${run.finding} ${runId(run.spec)}`;

/** The runs that neither the JSONL nor the finished ones hold. Cuts an unfinished last line off the JSONL. */
export function unfinishedRuns({
  runs,
  out,
  finished = [],
}: Pick<SweepOptions, "runs" | "out" | "finished">): PlannedRun[] {
  const known = new Set([...finished, ...resumeJsonl(out)].map(keyOf));
  return runs.filter((run) => !known.has(keyOf(run)));
}

/** Makes the runs that are not there yet. A run that fails does not end the sweep; see the report. */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  const queue = unfinishedRuns(options);
  const state: SweepState = {
    options,
    queue,
    retried: new Set(),
    started: performance.now(),
    finishedPace: 0,
    pace: 0,
    report: { skipped: options.runs.length - queue.length, done: [], failed: [], left: [] },
  };
  const jobs = Math.max(1, Math.min(options.jobs, queue.length));
  await Promise.all(
    Array.from({ length: jobs }, async (_, job) => {
      // A worker that dies is followed by another for as long as there is work.
      while (claimable(state)) await employ(state, job);
    }),
  );
  return { ...state.report, left: state.queue };
}

interface SweepState {
  options: SweepOptions;
  queue: PlannedRun[];
  retried: Set<string>;
  started: number;
  /** Seconds a token of the slowest finished run; 0 before the first. */
  finishedPace: number;
  /** The same of a run under way, its start-up included: an upper bound to go by until a run has finished. */
  pace: number;
  report: SweepReport;
}

function claimable({ options, queue, started, finishedPace, pace, report }: SweepState): boolean {
  if (queue.length === 0 || options.signal?.aborted || report.problem !== undefined) return false;
  const left = (options.timeLimit ?? Number.POSITIVE_INFINITY) - (performance.now() - started) / 1000;
  return left > (finishedPace || pace) * queue[0].spec.tokens;
}

/** One worker process, from its start to its end. */
function employ(state: SweepState, job: number): Promise<void> {
  const { options, report } = state;
  const tell = (event: SweepEvent) => options.onEvent?.(event);
  const [program, ...args] = options.worker;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    let run: PlannedRun | undefined;
    let since = 0;
    let words = "";
    let ready = false;
    let ended = false;
    const order = (message: WorkerOrder) => child.connected && child.send(message);
    const fail = (message: string, again: boolean) => {
      if (run === undefined) return;
      tell({ type: "failed", run, job, message, again });
      if (again) state.queue.unshift(run);
      else report.failed.push({ run, message });
      run = undefined;
    };
    const paceAt = (tokens: number) => (performance.now() - since) / 1000 / tokens;
    const stop = () => {
      order({ type: "stop" });
      child.kill("SIGTERM");
    };
    const end = (reason: string) => {
      if (ended) return;
      ended = true;
      options.signal?.removeEventListener("abort", stop);
      const told = `${reason || "without a word"}${lastWords(words)}`;
      if (run !== undefined && options.signal?.aborted) state.queue.unshift(run);
      else if (run !== undefined) {
        const again = !state.retried.has(keyOf(run));
        state.retried.add(keyOf(run));
        fail(`the worker ended (${told})`, again);
      } else if (!ready && !options.signal?.aborted) report.problem = `a worker process did not start (${told})`;
      resolve();
    };
    options.signal?.addEventListener("abort", stop, { once: true });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      words = (words + text).slice(-4000);
    });
    child.on("error", (error) => end(error.message));
    // "close" comes after the last words on stderr, "exit" may come before.
    child.on("close", (code, signal) => end(code === 0 ? "" : (signal ?? `exit code ${code}`)));
    child.on("message", (message: WorkerReport) => {
      if (message.type === "ready") {
        ready = true;
        if (claimable(state)) {
          run = state.queue.shift() as PlannedRun;
          since = performance.now();
          tell({ type: "start", run, job });
          order({ type: "train", run });
        } else order({ type: "stop" });
      } else if (run === undefined) {
        // A report that crossed the end of its run.
      } else if (message.type === "progress") {
        if (message.step > 0) state.pace = paceAt((run.spec.tokens * message.step) / message.steps);
        tell({ type: "progress", run, job, report: message });
      } else if (message.type === "done") {
        state.finishedPace = Math.max(state.finishedPace, paceAt(run.spec.tokens));
        appendJsonl(options.out, message.record);
        report.done.push(message.record);
        tell({ type: "done", run, job, record: message.record });
        run = undefined;
      } else fail(message.message, false);
    });
  });
}

function lastWords(words: string): string {
  const lines = words.trim().split("\n").filter(Boolean).slice(-3);
  return lines.length > 0 ? `: ${lines.join(" / ")}` : "";
}

/**
 * The worker's side: asks for runs until told to stop, then resolves.
 * @param train trains one run; it reports progress through the callback and throws when the run fails
 */
export function workOff(
  train: (run: PlannedRun, report: (progress: WorkerReport & { type: "progress" }) => void) => Promise<RunRecord>,
): Promise<void> {
  if (process.send === undefined) throw new Error("a sweep worker is started by `braid sweep`, not by hand");
  const tell = (report: WorkerReport) => process.send?.(report);
  return new Promise((resolve) => {
    const finish = () => {
      process.off("message", listen);
      if (process.connected) process.disconnect();
      resolve();
    };
    const listen = (order: WorkerOrder) => {
      if (order.type === "stop") return finish();
      train(order.run, tell)
        .then((record) => tell({ type: "done", record }))
        .catch((error: unknown) =>
          tell({ type: "failed", message: error instanceof Error ? error.message : String(error) }),
        )
        .then(() => tell({ type: "ready" }));
    };
    process.on("message", listen);
    process.on("disconnect", finish);
    tell({ type: "ready" });
  });
}
