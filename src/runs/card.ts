import { Meter } from "./meter.js";
import type { RunNeeds } from "./needs.js";
import { Packing } from "./packing.js";
import type { PlannedRun } from "./types.js";
import type { WorkerProcess } from "./worker-process.js";

/** An adapter that a sweep trains on. */
export interface Card {
  name: string;
  /** Environment that makes a worker process open it. */
  env: Record<string, string>;
  /** Program and arguments that its worker processes are started through. */
  through?: readonly string[];
  /** Bytes that runs side by side may take together. */
  memory: number;
  /** Processes side by side: a number, or as many as pay. */
  jobs: number | "auto";
}

/** One worker process of a card. */
export interface Post {
  job: number;
  worker: WorkerProcess;
  /** It has asked for a run at least once. */
  ready: boolean;
  /** It was told to end. */
  leaving: boolean;
  run?: PlannedRun;
  /** When the run was given, in milliseconds of `performance.now`. */
  since: number;
  /** Tokens of the run that were trained before, known from its first report on. */
  from?: number;
}

export interface CrewOptions {
  /** Seconds of training side by side that make a measurement. */
  seconds?: number;
  margin?: number;
}

/** The worker processes of one card, and how many there should be. */
export class Crew {
  readonly posts: Post[] = [];
  readonly packing: Packing;
  readonly meter: Meter;

  constructor(
    readonly card: Card,
    private readonly needs: (run: PlannedRun) => RunNeeds,
    { seconds = 10, margin }: CrewOptions = {},
  ) {
    this.packing = new Packing({ jobs: card.jobs, margin });
    this.meter = new Meter(seconds);
  }

  /** Processes that stay. */
  get staying(): Post[] {
    return this.posts.filter(({ leaving }) => !leaving);
  }

  /** Bytes that the runs under way take, by estimate. */
  get used(): number {
    return this.posts.reduce((total, { run }) => total + (run ? this.needs(run).memory : 0), 0);
  }

  /**
   * Whether a run finds room beside those under way. The largest card, when empty, takes any run: an estimate may be too
   * high, and the card itself says best that a run is too large.
   */
  fits(run: PlannedRun, largest: boolean): boolean {
    const { used } = this;
    return used + this.needs(run).memory <= this.card.memory || (used === 0 && largest);
  }

  add(post: Post): void {
    this.posts.push(post);
    this.meter.join(post.job);
  }

  remove(post: Post): void {
    this.posts.splice(this.posts.indexOf(post), 1);
    this.meter.leave(post.job);
  }
}
