import fc from "fast-check";
import { expect, test } from "vitest";
import { batchAt, permutation, validationWindows, windowsPerEpoch } from "../../src/data/batches.js";
import { Rng } from "../../src/data/rng.js";
import type { TokenStream } from "../../src/data/types.js";

/** Token i has id i, so that ids tell where they came from. */
const counting = (n: number): TokenStream => ({ ids: Uint32Array.from({ length: n }, (_, i) => i), bytes: n });

test("golden: the same seed and step read the same tokens on every machine", () => {
  const stream = counting(1000);
  const { inputs, targets } = batchAt(stream, { seed: 0, step: 3, sequences: 2, length: 4 });
  expect([...inputs]).toEqual([308, 309, 310, 311, 580, 581, 582, 583]);
  expect([...targets]).toEqual([...inputs].map((id) => id + 1));
  expect(batchAt(stream, { seed: 1, step: 3, sequences: 2, length: 4 }).inputs).not.toEqual(inputs);
});

test("an epoch visits each window once, in range, and no target twice; the next epoch has another order and origin", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 0, max: 1e6 }),
      (length, extra, seed) => {
        const stream = counting(length + extra);
        const windows = windowsPerEpoch(stream, length);
        const seen = new Set<number>();
        for (let step = 0; step < windows; step++) {
          const { inputs, targets } = batchAt(stream, { seed, step, sequences: 1, length });
          for (let t = 0; t < length; t++) expect(targets[t]).toBe(inputs[t] + 1);
          expect(targets[length - 1]).toBeLessThan(stream.ids.length);
          for (const target of targets) seen.add(target);
        }
        expect(seen.size).toBe(windows * length);
        expect(seen.size).toBeGreaterThan(stream.ids.length - 1 - 2 * length);
      },
    ),
    { numRuns: 100 },
  );
  const stream = counting(1000);
  const windows = windowsPerEpoch(stream, 8);
  const origins = new Set<number>();
  for (let epoch = 0; epoch < 20; epoch++) {
    origins.add(batchAt(stream, { seed: 0, step: epoch * windows, sequences: 1, length: 8 }).inputs[0] % 8);
  }
  expect(origins.size).toBeGreaterThan(3);
});

test("a batch equals the single sequences it is made of, across the end of an epoch too", () => {
  const stream = counting(60);
  const options = { seed: 5, length: 7 };
  const single = Array.from({ length: 30 }, (_, step) => [
    ...batchAt(stream, { ...options, step, sequences: 1 }).inputs,
  ]);
  const batched = Array.from({ length: 6 }, (_, step) => [
    ...batchAt(stream, { ...options, step, sequences: 5 }).inputs,
  ]);
  expect(batched.flat()).toEqual(single.flat());
});

test("the permutation is one, for every size, and moves things", () => {
  for (const n of [1, 2, 3, 4, 5, 16, 17, 1000, 70000]) {
    const permute = permutation(n, new Rng(n));
    const seen = new Uint8Array(n);
    for (let i = 0; i < n; i++) seen[permute(i)]++;
    expect(seen.every((count) => count === 1)).toBe(true);
  }
  const permute = permutation(1000, new Rng(0));
  const steps = Array.from({ length: 999 }, (_, i) => Math.abs(permute(i + 1) - permute(i)));
  expect(steps.reduce((a, b) => a + b, 0) / 999).toBeGreaterThan(280); // a third of 1000 for a random order
});

test("validation windows follow each other, and know their bytes", () => {
  const byteLengths = Uint16Array.from({ length: 100 }, (_, id) => id % 3);
  const scored = validationWindows(counting(23), 5, 17, byteLengths);
  expect(scored.count).toBe(3);
  expect([...scored.inputs]).toEqual(Array.from({ length: 15 }, (_, i) => i));
  expect([...scored.targets]).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
  expect([...scored.targetBytes]).toEqual([1 + 2 + 0 + 1 + 2, 0 + 1 + 2 + 0 + 1, 2 + 0 + 1 + 2 + 0]);
  expect(validationWindows(counting(23), 5, 1e9, byteLengths).count).toBe(4);
  expect(validationWindows(counting(23), 5, 1, byteLengths).count).toBe(1);
  expect(validationWindows(counting(6), 5, 5, byteLengths).count).toBe(1);
});

test("bad options are named", () => {
  const options = { seed: 0, step: 0, sequences: 1, length: 8 };
  const short =
    "stream has 8 tokens, fewer than one window of 9 (8 inputs and the last target): give a longer text or a shorter context";
  expect(() => batchAt(counting(8), options)).toThrow(`the training ${short}`);
  expect(() => validationWindows(counting(8), 8, 8, new Uint16Array(8))).toThrow(`the validation ${short}`);
  expect(() => batchAt(counting(9), { ...options, sequences: 0 })).toThrow(
    "sequences must be an integer of 1 or more, got 0",
  );
  expect(() => batchAt(counting(9), { ...options, step: -1 })).toThrow("step must be an integer of 0 or more, got -1");
  expect(() => batchAt(counting(9), { ...options, length: 1.5 })).toThrow(
    "length must be an integer of 1 or more, got 1.5",
  );
});
