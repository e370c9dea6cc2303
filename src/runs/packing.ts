/**
 * How many processes train side by side on one card. A model too small to fill it leaves room for a second process, but two
 * can also be slower than one, so nothing is assumed: processes are added one at a time, and each must bring more.
 */

import { rateText } from "../train/progress.js";

export interface PackingOptions {
  /** Processes, or "auto": as many as pay. */
  jobs: number | "auto";
  /** What one more process must bring to stay, as a share of the throughput before. */
  margin?: number;
}

/** What was measured while a number of processes trained. */
export interface Observation {
  processes: number;
  /** Of all of them together. */
  tokensPerSecond: number;
  /** The same in FLOPs, by which models of different size compare. */
  flopsPerSecond: number;
}

/** The decision for one card: holds what was measured, says how many processes are wanted. */
export class Packing {
  /** Processes wanted now. */
  target: number;
  private readonly margin: number;
  private most = Number.POSITIVE_INFINITY;
  private settled: boolean;
  private readonly seen: Observation[] = [];

  constructor({ jobs, margin = 0.1 }: PackingOptions) {
    this.margin = margin;
    this.settled = jobs !== "auto";
    this.target = jobs === "auto" ? 1 : jobs;
  }

  /** Whether another measurement would change anything. */
  get measuring(): boolean {
    return !this.settled;
  }

  /** Takes a measurement in. @returns what it means in words, when the number wanted is another one now or final */
  observe(observation: Observation): string | undefined {
    const { processes } = observation;
    if (this.settled || processes !== this.target) return undefined;
    const before = this.seen.at(-1);
    this.seen.push(observation);
    if (before !== undefined && observation.flopsPerSecond < (1 + this.margin) * before.flopsPerSecond) {
      this.settle(before.processes);
    } else if (processes >= this.most) this.settle(processes);
    else this.target = processes + 1;
    return this.words();
  }

  /** The card does not take this many. @param why e.g. "are out of memory" @returns what that means in words */
  refuse(processes: number, why: string): string {
    this.most = Math.max(1, Math.min(this.most, processes - 1));
    if (this.target >= this.most) this.settle(this.most);
    return `${processes} processes ${why}; ${this.words()}`;
  }

  private settle(processes: number): void {
    this.settled = true;
    this.target = processes;
  }

  /** "1 process 541 ktok/s, 2 together 480 ktok/s: 1 stays" */
  private words(): string {
    const measured = this.seen.map(({ processes, tokensPerSecond }) => {
      const rate = rateText(tokensPerSecond);
      return processes === 1 ? `1 process ${rate}` : `${processes} together ${rate}`;
    });
    return [measured.join(", "), this.settled ? `${this.target} stays` : `trying ${this.target}`]
      .filter(Boolean)
      .join(": ");
  }
}
