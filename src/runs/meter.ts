import type { Observation } from "./packing.js";

interface Job {
  /** Past the compiling that precedes the first step of a run. */
  stepping: boolean;
  /** The last report, where all that follows it is training side by side. */
  last?: { time: number; tokens: number };
  flopsPerToken: number;
  seconds: number;
  tokens: number;
  flops: number;
}

/**
 * The throughput of the processes of one card. Only time in which all of them take steps counts: while one starts up or
 * compiles, the others have the card to themselves. Times are in seconds, from any clock.
 */
export class Meter {
  private readonly jobs = new Map<number, Job>();

  /** @param seconds of training side by side that make a measurement */
  constructor(private readonly seconds: number) {}

  /** A process is there, without a run. */
  join(job: number): void {
    this.jobs.set(job, { stepping: false, flopsPerToken: 0, seconds: 0, tokens: 0, flops: 0 });
    this.restart();
  }

  leave(job: number): void {
    this.jobs.delete(job);
    this.restart();
  }

  /** A run starts in a process. */
  begin(job: number, flopsPerToken: number): void {
    Object.assign(this.get(job), { stepping: false, flopsPerToken });
    this.interrupt();
  }

  /** @param tokens trained by this run so far */
  progress(job: number, time: number, tokens: number): void {
    const own = this.get(job);
    if (!own.stepping) {
      own.stepping = true;
      this.interrupt();
    }
    const together = [...this.jobs.values()].every(({ stepping }) => stepping);
    if (together && own.last !== undefined) {
      own.seconds += time - own.last.time;
      own.tokens += tokens - own.last.tokens;
      own.flops += (tokens - own.last.tokens) * own.flopsPerToken;
    }
    own.last = together ? { time, tokens } : undefined;
  }

  /** The measurement, once every process has trained long enough beside the others; the next one starts from nothing. */
  take(): Observation | undefined {
    const jobs = [...this.jobs.values()];
    if (jobs.length === 0 || jobs.some(({ seconds }) => seconds < this.seconds)) return undefined;
    const sum = (value: (job: Job) => number) => jobs.reduce((total, job) => total + value(job) / job.seconds, 0);
    const observation = {
      processes: jobs.length,
      tokensPerSecond: sum(({ tokens }) => tokens),
      flopsPerSecond: sum(({ flops }) => flops),
    };
    this.restart();
    return observation;
  }

  private get(job: number): Job {
    const found = this.jobs.get(job);
    if (found === undefined) throw new Error(`process ${job} has not joined`);
    return found;
  }

  /** What is under way is no longer side by side. */
  private interrupt(): void {
    for (const job of this.jobs.values()) job.last = undefined;
  }

  private restart(): void {
    this.interrupt();
    for (const job of this.jobs.values()) Object.assign(job, { seconds: 0, tokens: 0, flops: 0 });
  }
}
