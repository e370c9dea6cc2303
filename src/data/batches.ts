/**
 * Which tokens a training step reads, as a pure function of (stream, seed, step): nothing is remembered between steps,
 * so a resumed or replayed run reads what the first one read.
 *
 * The stream is cut into windows of T + 1 tokens (T inputs and their targets, shifted by one); neighbours share one token,
 * so that no gap is left and no token is a target twice in an epoch. An epoch visits every window once, in an order permuted by
 * (seed, epoch), from an origin below T that also changes with the epoch, so that window edges move. Documents are packed:
 * a window may hold the end of one and the start of the next, with the separator between them.
 */

import { mix32, Rng } from "./rng.js";
import type { Batch, TokenStream } from "./types.js";

/** How a run reads its stream. */
export interface BatchOptions {
  /** Any integer from 0 to 2^53 - 1. */
  seed: number;
  /** Training step, from 0. */
  step: number;
  /** B, sequences a batch. */
  sequences: number;
  /** T, tokens a sequence. */
  length: number;
}

/**
 * The batch of one training step: the next B windows of the epoch's order (an epoch may end inside a batch).
 * @returns inputs and targets, row-major [B, T]
 * @throws Error when the stream is shorter than one window, or an option is not the integer it should be
 */
export function batchAt(stream: TokenStream, { seed, step, sequences, length }: BatchOptions): Batch {
  integer("sequences", sequences, 1);
  integer("step", step, 0);
  const windows = windowsPerEpoch(stream, length);
  const inputs = new Uint32Array(sequences * length);
  const targets = new Uint32Array(sequences * length);
  let epoch = -1;
  let start = (_index: number) => 0;
  for (let b = 0; b < sequences; b++) {
    const n = step * sequences + b;
    if (Math.floor(n / windows) !== epoch) {
      epoch = Math.floor(n / windows);
      start = epochOrder(stream, length, seed, epoch);
    }
    copyWindow(stream, start(n % windows), length, inputs, targets, b);
  }
  return { inputs, targets };
}

/**
 * Windows that each epoch visits, the same for all (a step's epoch would otherwise depend on history): enough tokens are
 * kept back for the origin to move by up to T - 1, where the stream has them.
 * @throws Error when the stream is shorter than one window
 */
export function windowsPerEpoch(stream: TokenStream, length: number): number {
  checkLength("training", stream, length);
  return Math.max(1, Math.floor(stream.ids.length / length) - 1);
}

/** The first windows of a stream, in order, for scoring. */
export interface ScoredWindows {
  /** W, how many there are. */
  count: number;
  /** T, tokens a window. */
  length: number;
  /** Row-major [W, T]. */
  inputs: Uint32Array;
  /** Row-major [W, T]. */
  targets: Uint32Array;
  /** Bytes that each window's targets stand for, [W]: a loss per byte is the summed loss over the summed bytes. */
  targetBytes: Uint32Array;
}

/**
 * The first windows of a stream, whose targets do not overlap and follow each other without a gap.
 * @param tokens how many targets to score; rounded down to whole windows, at least one, at most what the stream holds
 * @param byteLengths bytes of each id (`codec.byteLengths`)
 * @throws Error when the stream is shorter than one window
 */
export function validationWindows(
  stream: TokenStream,
  length: number,
  tokens: number,
  byteLengths: Uint16Array,
): ScoredWindows {
  checkLength("validation", stream, length);
  if (!(tokens > 0)) throw new Error(`tokens must be positive, got ${tokens}`);
  const available = Math.floor((stream.ids.length - 1) / length);
  const count = Math.min(available, Math.max(1, Math.floor(tokens / length)));
  const inputs = new Uint32Array(count * length);
  const targets = new Uint32Array(count * length);
  const targetBytes = new Uint32Array(count);
  for (let w = 0; w < count; w++) {
    copyWindow(stream, w * length, length, inputs, targets, w);
    for (let i = w * length; i < (w + 1) * length; i++) targetBytes[w] += byteLengths[targets[i]];
  }
  return { count, length, inputs, targets, targetBytes };
}

function copyWindow(
  { ids }: TokenStream,
  start: number,
  length: number,
  inputs: Uint32Array,
  targets: Uint32Array,
  row: number,
): void {
  inputs.set(ids.subarray(start, start + length), row * length);
  targets.set(ids.subarray(start + 1, start + 1 + length), row * length);
}

/** First token of the i-th window of an epoch. */
function epochOrder(stream: TokenStream, length: number, seed: number, epoch: number): (index: number) => number {
  const windows = windowsPerEpoch(stream, length);
  const rng = new Rng(seed, `batches, epoch ${epoch}`);
  const spare = stream.ids.length - 1 - windows * length;
  const origin = rng.below(Math.min(spare, length - 1) + 1);
  const permute = permutation(windows, rng);
  return (index) => origin + permute(index) * length;
}

/**
 * A pseudo-random permutation of 0 .. n - 1 that needs no table: a Feistel network over the next even power of two,
 * applied again until the result falls below n (cycle walking; fewer than four rounds of it on average).
 */
export function permutation(n: number, rng: Rng): (index: number) => number {
  let half = 1;
  while (4 ** half < n) half++;
  const mask = 2 ** half - 1;
  const keys = Array.from({ length: 6 }, () => rng.uint32());
  return (index) => {
    let x = index;
    do {
      let left = Math.floor(x / (mask + 1));
      let right = x & mask;
      for (const key of keys) [left, right] = [right, left ^ (mix32(right ^ key) & mask)];
      x = left * (mask + 1) + right;
    } while (x >= n);
    return x;
  };
}

function checkLength(part: string, stream: TokenStream, length: number): void {
  integer("length", length, 1);
  const tokens = stream.ids.length;
  if (tokens > length) return;
  throw new Error(
    `the ${part} stream has ${tokens} tokens, fewer than one window of ${length + 1} (${length} inputs and the last target): ` +
      "give a longer text or a shorter context",
  );
}

function integer(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new Error(`${name} must be an integer of ${least} or more, got ${value}`);
}
