import type { Gpu } from "../gpu/gpu.js";

/** Repetitions of something, and how long they took together. */
export interface Burst {
  repetitions: number;
  seconds: number;
}

/** Something that can be repeated and timed: a model's training step, a product; here, or in another process on the card. */
export interface Contender {
  name: string;
  /** Repeats for at least `seconds`, after one repetition that does not count. */
  burst(seconds: number): Promise<Burst>;
}

/** Seconds a repetition, of several bursts. */
export interface Timing {
  median: number;
  least: number;
  most: number;
}

/** Milliseconds of work to queue before waiting, as the trainer does: enough to hide the wait. */
const patience = 250;
/** Most repetitions queued at a time, for those that take microseconds. */
const most = 2048;

/**
 * A burst of what `submit` queues on a device. What is waited for is a quarter of a second of work, so that the wait does not count;
 * the first repetition, which also brings a card that idled back to speed, is not timed.
 */
export async function gpuBurst(gpu: Gpu, submit: () => void, seconds: number): Promise<Burst> {
  let started = performance.now();
  submit();
  await gpu.idle();
  let pace = performance.now() - started;
  let [repetitions, elapsed] = [0, 0];
  started = performance.now();
  do {
    const left = Math.min(patience, seconds * 1000 - elapsed);
    const queued = Math.max(1, Math.min(most, Math.floor(left / pace)));
    for (let i = 0; i < queued; i++) submit();
    await gpu.idle();
    repetitions += queued;
    elapsed = performance.now() - started;
    pace = elapsed / repetitions;
  } while (elapsed < seconds * 1000);
  return { repetitions, seconds: elapsed / 1000 };
}

/** The middle one; of an even number, between the two. @throws Error when there is none */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("There is no median of nothing.");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function timingOf(bursts: readonly Burst[]): Timing {
  const each = bursts.map(({ repetitions, seconds }) => seconds / repetitions);
  return { median: median(each), least: Math.min(...each), most: Math.max(...each) };
}

export interface Rounds {
  /** Bursts of each contender. */
  repeats: number;
  /** Seconds a burst takes at the least. */
  seconds: number;
}

/**
 * Bursts of all contenders in turn, A B C A B C …: a card that gets slower as it warms, or that somebody else uses for a while, then
 * does so for all of them. @returns the timings, in the order of the contenders
 */
export async function alternate(contenders: readonly Contender[], { repeats, seconds }: Rounds): Promise<Timing[]> {
  const bursts: Burst[][] = contenders.map(() => []);
  for (let round = 0; round < repeats; round++) {
    for (const [i, contender] of contenders.entries()) bursts[i].push(await contender.burst(seconds));
  }
  return bursts.map(timingOf);
}
