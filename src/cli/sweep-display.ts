import type { SweepEvent } from "../runs/sweep-types.js";
import type { PlannedRun } from "../runs/types.js";
import { durationText, rateText } from "../train/progress.js";
import type { ProgressStream } from "./progress.js";
import { textTable } from "./text-table.js";

/** A worker process and the run it is at. */
interface Row {
  card: string;
  run: PlannedRun;
  progress?: Extract<SweepEvent, { type: "progress" }>["report"];
  /** The step that the run was resumed at, or 0. */
  from: number;
}

/**
 * The progress of a sweep: a line for every run that ends, and below them one table, a line a worker and one for all,
 * redrawn in place in a terminal and printed every half minute elsewhere.
 */
export class SweepDisplay {
  private readonly rows = new Map<number, Row>();
  private readonly started = performance.now();
  private drawn = 0;
  private lines = 0;
  private done = 0;
  private failed = 0;
  /** Tokens trained since the start, by runs that ended here. */
  private tokens = 0;
  /** Tokens of the runs that have not ended. */
  private open: number;

  constructor(
    private readonly runs: readonly PlannedRun[],
    private readonly terminal: ProgressStream,
  ) {
    this.open = runs.reduce((total, { spec }) => total + spec.tokens, 0);
  }

  show(event: SweepEvent): void {
    if (event.type === "packing") this.print(`${event.card}: ${event.words}`);
    else if (event.type === "start") this.rows.set(event.job, { card: event.card, run: event.run, from: 0 });
    else if (event.type === "progress") this.follow(event);
    else this.leave(event);
    this.draw(event.type !== "progress");
  }

  /** Leaves the lines of ended runs on the screen and nothing else. */
  close(): void {
    this.rows.clear();
    this.erase();
  }

  private follow({ job, report }: Extract<SweepEvent, { type: "progress" }>): void {
    const row = this.rows.get(job);
    if (row === undefined) return;
    // The first report comes after the first step.
    if (row.progress === undefined) row.from = report.step - 1;
    row.progress = report;
  }

  private leave(event: Exclude<SweepEvent, { type: "packing" | "start" | "progress" }>): void {
    const row = this.rows.get(event.job);
    this.rows.delete(event.job);
    const { run } = event;
    if (row !== undefined) this.tokens += trained(row, event.type === "done");
    if (event.type === "stopped") return;
    const ended = event.type === "done" || !event.again;
    if (ended) this.open -= run.spec.tokens;
    if (event.type === "done") this.done++;
    else if (ended) this.failed++;
    this.print(event.type === "done" ? this.finished(event) : `${nameOf(run)}: ${explained(event)}`);
  }

  private finished({ run, record }: Extract<SweepEvent, { type: "done" }>): string {
    const { validation, tokensPerSecond, seconds } = record.result;
    const count = `${this.done + this.failed} of ${this.runs.length}`;
    return `${count}  ${nameOf(run)}: ${validation.nllPerToken.toFixed(4)} nats a token, ${rateText(tokensPerSecond)}, ${durationText(seconds)}`;
  }

  /** "3 of 12 done, 1 failed, 2 under way, 6 left, 541 ktok/s in all, 8 min 0 s so far, 1 h 3 min to go" */
  private total(now: number): string {
    const rows = [...this.rows.values()];
    const left = this.runs.length - this.done - this.failed - rows.length;
    const seconds = (now - this.started) / 1000;
    const here = rows.reduce((total, row) => total + trained(row), 0);
    const rest =
      this.open - rows.reduce((total, { run, progress }) => total + reached(run, progress?.step, progress), 0);
    const rate = rows.reduce((total, { progress }) => total + (progress?.tokensPerSecond ?? 0), 0);
    const parts = [`${this.done} of ${this.runs.length} done`];
    if (this.failed > 0) parts.push(`${this.failed} failed`);
    parts.push(
      `${rows.length} under way`,
      `${left} left`,
      `${rateText(rate)} in all`,
      `${durationText(seconds)} so far`,
    );
    // By what the whole sweep made a second until now, starting and compiling included, once a run has ended.
    const pace = this.tokens > 0 ? (this.tokens + here) / seconds : rate;
    if (pace > 0) parts.push(`${durationText(rest / pace)} to go`);
    return parts.join(", ");
  }

  /** Prints a line above the table. */
  note(line: string): void {
    this.print(line);
    this.draw(true);
  }

  private print(line: string): void {
    this.erase();
    this.terminal.write(`${line}\n`);
  }

  private draw(changed: boolean): void {
    const now = performance.now();
    const wait = this.terminal.isTTY ? 200 : 30_000;
    if (now - this.drawn < wait && !(changed && this.terminal.isTTY)) return;
    this.erase();
    this.drawn = now;
    const table = this.rows.size > 0 ? textTable(this.table()).split("\n") : [];
    // A table taller than the screen could not be redrawn in place.
    const room = Math.max(4, (this.terminal.rows ?? Number.POSITIVE_INFINITY) - 3);
    const shown = table.length > room ? [...table.slice(0, room - 1), `… ${table.length - room + 1} more`] : table;
    const lines = [...shown, this.total(now)];
    const width = (this.terminal.columns ?? 140) - 1;
    this.terminal.write(`${lines.map((line) => line.slice(0, width)).join("\n")}\n`);
    this.lines = lines.length;
  }

  private table() {
    const rows = [...this.rows].sort(([a], [b]) => a - b);
    return rows.map(([job, { card, run, progress }]) => ({
      "": job + 1,
      adapter: card,
      run: nameOf(run),
      step: progress ? `${progress.step}/${progress.steps}` : "starting",
      loss: progress ? progress.loss.toFixed(3) : "",
      speed: progress ? rateText(progress.tokensPerSecond) : "",
      left: progress ? durationText(progress.secondsLeft) : "",
    }));
  }

  private erase(): void {
    if (this.terminal.isTTY && this.lines > 0) this.terminal.write(`\u001b[${this.lines}A\u001b[J`);
    this.lines = 0;
  }
}

/** Tokens of a run up to a step. */
function reached({ spec }: PlannedRun, step = 0, { steps }: { steps: number } = { steps: 1 }): number {
  return (spec.tokens * step) / steps;
}

/** Tokens that a worker trained of its run; none where it has not told of a step. */
function trained({ run, progress, from }: Row, whole = false): number {
  if (progress === undefined) return 0;
  const begun = reached(run, from, progress);
  return (whole ? run.spec.tokens : reached(run, progress?.step, progress)) - begun;
}

function explained({ message, again }: Extract<SweepEvent, { type: "failed" }>): string {
  return `${message}${again ? "; trying again" : ""}`;
}

/** "1:5, seed 2", with the learning rate where runs are told apart by it. */
export function nameOf({ finding, label, spec }: PlannedRun): string {
  return `${label}, seed ${spec.seed}${finding.includes("learning-rates") ? `, learning rate ${spec.optimizer.lr}` : ""}`;
}
