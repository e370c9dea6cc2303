import type { SweepEvent } from "../runs/sweep.js";
import type { PlannedRun } from "../runs/types.js";
import { durationText, rateText } from "../train/progress.js";
import type { ProgressStream } from "./progress.js";

/**
 * The progress of a sweep: a line for every run that ends, and below it one line a worker, redrawn in place in a
 * terminal and printed every half minute elsewhere.
 */
export class SweepDisplay {
  private readonly workers = new Map<number, string>();
  private readonly started = performance.now();
  private drawn = 0;
  private lines = 0;
  private ended = 0;

  constructor(
    private readonly total: number,
    private readonly terminal: ProgressStream,
  ) {}

  show(event: SweepEvent): void {
    const name = nameOf(event.run);
    if (event.type === "start") this.workers.set(event.job, `${name}: starting`);
    else if (event.type === "progress") {
      const { step, steps, loss, tokensPerSecond } = event.report;
      this.workers.set(
        event.job,
        `${name}: step ${step}/${steps}, loss ${loss.toFixed(3)}, ${rateText(tokensPerSecond)}`,
      );
    } else {
      this.workers.delete(event.job);
      if (event.type === "done" || !event.again) this.ended++;
      this.print(
        event.type === "done"
          ? this.finished(event)
          : `${name}: ${event.message}${event.again ? "; trying again" : ""}`,
      );
    }
    this.draw(event.type !== "progress");
  }

  /** Leaves the lines of ended runs on the screen and nothing else. */
  close(): void {
    this.workers.clear();
    this.erase();
  }

  private finished({ run, record }: Extract<SweepEvent, { type: "done" }>): string {
    const { validation, tokensPerSecond } = record.result;
    const count = `${this.ended} of ${this.total}`;
    const time = durationText(record.provenance.wallSeconds);
    return `${count}  ${nameOf(run)}: ${validation.nllPerToken.toFixed(4)} nats a token, ${rateText(tokensPerSecond)}, ${time}`;
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
    const time = durationText((now - this.started) / 1000);
    const lines = [
      `  ${this.ended} of ${this.total} runs after ${time}`,
      ...[...this.workers.values()].map((line) => `  ${line}`),
    ];
    this.terminal.write(`${lines.map((line) => line.slice(0, 118)).join("\n")}\n`);
    this.lines = lines.length;
  }

  private erase(): void {
    if (this.terminal.isTTY && this.lines > 0) this.terminal.write(`\u001b[${this.lines}A\u001b[J`);
    this.lines = 0;
  }
}

/** "1:5, seed 2", with the learning rate where runs are told apart by it. */
export function nameOf({ finding, label, spec }: PlannedRun): string {
  return `${label}, seed ${spec.seed}${finding.endsWith("-lr") ? `, learning rate ${spec.optimizer.lr}` : ""}`;
}
