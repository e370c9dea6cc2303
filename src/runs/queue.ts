import type { Crew } from "./card.js";
import { begunOn, trunkId } from "./checkpoints.js";
import type { PlannedRun } from "./types.js";

export interface QueueOptions {
  /** The JSONL, beside which the checkpoints of begun runs lie. */
  out: string;
  /** Seconds from now after which no run is started that would, by the slowest so far, not end in time. */
  timeLimit?: number;
}

/** The runs that wait, and which of them a card starts next. */
export class RunQueue {
  private readonly until: number;
  /** Seconds a token of the slowest finished run; 0 before the first. */
  private finishedPace = 0;
  /** The same of a run under way, its start-up included: an upper bound to go by until a run has finished. */
  private pace = 0;

  constructor(
    readonly runs: PlannedRun[],
    private readonly options: QueueOptions,
  ) {
    this.until = now() + (options.timeLimit ?? Number.POSITIVE_INFINITY);
  }

  /** The run that a card would start now: the first that fits, is at home there and would end in time. */
  nextFor(crew: Crew, crews: readonly Crew[]): PlannedRun | undefined {
    const largest = crews.every(({ card }) => card.memory <= crew.card.memory);
    const busy = crews.flatMap(({ posts }) => posts.flatMap(({ run }) => run ?? []));
    const [left, pace] = [this.until - now(), this.finishedPace || this.pace];
    return this.runs.find((run) => {
      // The shorter one leaves the beginning that the longer one goes on from.
      const shorter = (other: PlannedRun) => other.spec.tokens < run.spec.tokens && trunkId(other) === trunkId(run);
      if (busy.some(shorter) || this.runs.some(shorter)) return false;
      // A run goes on where it was begun: elsewhere it would start anew, for other adapters round differently.
      const home = begunOn(this.options.out, run);
      const elsewhere = home !== undefined && home !== crew.card.name && crews.some(({ card }) => card.name === home);
      return !elsewhere && left > pace * run.spec.tokens && crew.fits(run, largest);
    });
  }

  take(run: PlannedRun): void {
    this.runs.splice(this.runs.indexOf(run), 1);
  }

  putBack(run: PlannedRun): void {
    this.runs.unshift(run);
  }

  /** @param seconds and tokens of a run since it was given to a worker */
  underWay(seconds: number, tokens: number): void {
    if (tokens > 0) this.pace = seconds / tokens;
  }

  finished(seconds: number, tokens: number): void {
    if (tokens > 0) this.finishedPace = Math.max(this.finishedPace, seconds / tokens);
  }
}

const now = () => performance.now() / 1000;
