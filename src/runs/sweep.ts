/**
 * A sweep makes many runs with a few worker processes on each card. The parent alone decides who trains what and writes the
 * JSONL; a worker opens one GPU device, asks for a run, trains it, reports, and asks again. Runs keep checkpoints: one whose
 * worker died goes on in a fresh process, one whose sweep ended goes on when the sweep is started again.
 */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { Crew, type Post } from "./card.js";
import { checkpointFolder, dropCheckpoints, dropTrunk, trunkFolder, trunkId } from "./checkpoints.js";
import { runId } from "./identity.js";
import { appendJsonl, finishedIn, resumeJsonl } from "./jsonl.js";
import { lock } from "./lock.js";
import { needsOf } from "./needs.js";
import { RunQueue } from "./queue.js";
import type { SweepEvent, SweepOptions, SweepReport } from "./sweep-types.js";
import type { PlannedRun, RunRecord } from "./types.js";
import type { WorkerReport } from "./worker.js";
import { WorkerProcess } from "./worker-process.js";

/** The key under which a run counts as made: two studies that plan the same training share it. */
const keyOf = (run: PlannedRun) => runId(run.spec);

/** The runs that neither the JSONL nor the finished ones hold, each once. Writes nothing. */
export function unfinishedRuns({
  runs,
  out,
  finished = [],
}: Pick<SweepOptions, "runs" | "out" | "finished">): PlannedRun[] {
  const known = new Set([...finished, ...finishedIn(out)].map(keyOf));
  return runs.filter((run) => {
    const key = keyOf(run);
    return !known.has(key) && known.add(key);
  });
}

/** How many runs these are: one that several studies plan is trained once. */
export const countRuns = (runs: readonly PlannedRun[]): number => new Set(runs.map(keyOf)).size;

/**
 * Makes the runs that are not there yet. A run that fails does not end the sweep; see the report.
 * @throws Error when another sweep writes to the same file, or it cannot be written
 */
export async function sweep(options: SweepOptions): Promise<SweepReport> {
  try {
    mkdirSync(dirname(options.out), { recursive: true });
  } catch (error) {
    throw new Error(
      `${options.out} cannot be written: its folder is missing and cannot be made (${(error as Error).message})`,
    );
  }
  const unlock = lock(options.out);
  try {
    resumeJsonl(options.out);
    return await new Sweep(options).run();
  } finally {
    unlock();
  }
}

class Sweep {
  private readonly queue: RunQueue;
  private readonly todo: readonly PlannedRun[];
  private readonly retried = new Set<string>();
  private readonly crews: Crew[];
  private readonly report: SweepReport;
  private end: () => void = () => {};

  constructor(private readonly options: SweepOptions) {
    const { runs, cards, measuring, out } = options;
    this.todo = unfinishedRuns(options);
    this.queue = new RunQueue([...this.todo], options);
    // A sweep killed between a run's record and its checkpoints left these behind; of runs that two studies plan, one is to do.
    const doing = new Set(this.todo.map(keyOf));
    for (const run of runs) {
      if (doing.has(keyOf(run))) continue;
      dropCheckpoints(out, run);
      if (!this.todo.some((other) => trunkId(other) === trunkId(run))) dropTrunk(out, run);
    }
    this.crews = cards.map((card) => new Crew(card, needsOf, measuring));
    this.report = { done: [], failed: [], left: [] };
  }

  async run(): Promise<SweepReport> {
    const { signal } = this.options;
    const stop = () => {
      for (const crew of this.crews) for (const post of crew.posts) this.dismiss(post);
    };
    signal?.addEventListener("abort", stop, { once: true });
    await new Promise<void>((resolve) => {
      this.end = resolve;
      this.staff();
    });
    signal?.removeEventListener("abort", stop);
    return { ...this.report, left: this.queue.runs };
  }

  /** Brings every crew to the number wanted; ends the sweep when nobody is left and nothing can be started. */
  private staff(): void {
    for (const crew of this.crews) {
      const { staying, packing } = crew;
      // The newest goes first: it is the one that did not pay.
      for (const post of staying.slice(packing.target)) this.dismiss(post);
      const starting = staying.filter(({ ready }) => !ready).length;
      const wanted = Math.min(packing.target - staying.length, this.queue.runs.length - starting);
      for (let i = 0; i < wanted && this.nextFor(crew); i++) this.hire(crew);
    }
    if (this.crews.every(({ posts }) => posts.length === 0)) this.end();
  }

  private nextFor(crew: Crew): PlannedRun | undefined {
    const ending = this.options.signal?.aborted || this.report.problem !== undefined;
    return ending ? undefined : this.queue.nextFor(crew, this.crews);
  }

  /** One worker process, from its start to its end. */
  private hire(crew: Crew): void {
    const taken = new Set(this.crews.flatMap(({ posts }) => posts.map(({ job }) => job)));
    let job = 0;
    while (taken.has(job)) job++;
    const worker = new WorkerProcess({
      command: [...(crew.card.through ?? []), ...this.options.worker],
      env: crew.card.env,
      onReport: (report) => this.hear(crew, post, report),
      onEnd: (words) => this.lose(crew, post, words),
    });
    const post: Post = { job, worker, ready: false, leaving: false, since: 0 };
    crew.add(post);
  }

  private dismiss(post: Post): void {
    post.leaving = true;
    post.worker.stop();
  }

  private hear(crew: Crew, post: Post, report: WorkerReport): void {
    const { run } = post;
    if (report.type === "ready") this.assign(crew, post);
    else if (run === undefined) return;
    else if (report.type === "progress") this.follow(crew, post, run, report);
    else if (report.type === "done") this.finish(crew, post, run, report.record);
    else if (report.type === "failed") this.fail(crew, post, run, report.message);
    else this.putBack(crew, post, run);
    this.staff();
  }

  private assign(crew: Crew, post: Post): void {
    post.ready = true;
    const run = post.leaving ? undefined : this.nextFor(crew);
    if (run === undefined) {
      this.dismiss(post);
      return;
    }
    this.queue.take(run);
    Object.assign(post, { run, since: performance.now(), from: undefined });
    crew.meter.begin(post.job, needsOf(run).flopsPerToken);
    this.tell({ type: "start", run, card: crew.card.name, job: post.job });
    const { out } = this.options;
    const folder = trunkFolder(out, run);
    // A shorter run may have been made by a sweep before this one.
    const shared = existsSync(folder) || this.todo.some((other) => other !== run && trunkId(other) === trunkId(run));
    const trunk = shared ? folder : undefined;
    post.worker.train({ run, checkpoints: checkpointFolder(out, run), trunk, card: crew.card.name });
  }

  private follow(crew: Crew, post: Post, run: PlannedRun, report: Extract<WorkerReport, { type: "progress" }>): void {
    const perStep = run.spec.tokens / report.steps;
    // The first report comes after the first step.
    post.from ??= (report.step - 1) * perStep;
    const tokens = report.step * perStep;
    this.queue.underWay((performance.now() - post.since) / 1000, tokens - post.from);
    this.tell({ type: "progress", run, card: crew.card.name, job: post.job, report });
    crew.meter.progress(post.job, performance.now() / 1000, tokens);
    const observed = crew.packing.measuring ? crew.meter.take() : undefined;
    const words = observed && crew.packing.observe(observed);
    if (words) this.tell({ type: "packing", card: crew.card.name, words });
  }

  private finish(crew: Crew, post: Post, run: PlannedRun, made: RunRecord): void {
    const sideBySide = crew.posts.filter((other) => other.run !== undefined).length;
    const record = { ...made, provenance: { ...made.provenance, sideBySide } };
    // One that had only its last validation to make up for took no step, and tells nothing of the pace.
    if (post.from !== undefined)
      this.queue.finished((performance.now() - post.since) / 1000, run.spec.tokens - post.from);
    appendJsonl(this.options.out, record);
    dropCheckpoints(this.options.out, run);
    if (!this.queue.runs.some((other) => trunkId(other) === trunkId(run))) dropTrunk(this.options.out, run);
    this.report.done.push(record);
    post.run = undefined;
    this.tell({ type: "done", run, card: crew.card.name, job: post.job, record });
  }

  private fail(crew: Crew, post: Post, run: PlannedRun, message: string): void {
    const processes = crew.posts.filter((other) => other.run !== undefined).length;
    post.run = undefined;
    post.leaving = true;
    // Beside others, a card that is full says nothing about the run.
    const again = processes > 1 && /out of memory/i.test(message);
    if (again) {
      this.queue.putBack(run);
      this.tell({ type: "packing", card: crew.card.name, words: crew.packing.refuse(processes, "are out of memory") });
    } else this.report.failed.push({ run, message });
    this.tell({ type: "failed", run, card: crew.card.name, job: post.job, message, again });
  }

  private putBack(crew: Crew, post: Post, run: PlannedRun): void {
    post.run = undefined;
    this.queue.putBack(run);
    this.tell({ type: "stopped", run, card: crew.card.name, job: post.job });
  }

  /** A process is gone, with the run that it was at. */
  private lose(crew: Crew, post: Post, words: string): void {
    const { run, job } = post;
    crew.remove(post);
    const aborted = this.options.signal?.aborted === true;
    if (run !== undefined && post.leaving) this.putBack(crew, post, run);
    else if (run !== undefined) {
      const message = `the worker ended (${words})`;
      const again = !this.retried.has(keyOf(run));
      this.retried.add(keyOf(run));
      if (again) this.queue.putBack(run);
      else this.report.failed.push({ run, message });
      this.tell({ type: "failed", run, card: crew.card.name, job, message, again });
    } else if (!post.ready && !aborted) this.neverStarted(crew, words);
    this.staff();
  }

  /** One too many for the card is no problem; that not even one starts is. */
  private neverStarted(crew: Crew, words: string): void {
    const others = crew.staying.filter(({ ready }) => ready).length;
    const told = `did not start (${words})`;
    if (others === 0) this.report.problem = `a worker process ${told}`;
    else this.tell({ type: "packing", card: crew.card.name, words: crew.packing.refuse(others + 1, told) });
  }

  private tell(event: SweepEvent): void {
    this.options.onEvent?.(event);
  }
}
