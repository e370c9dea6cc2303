import { expect, test } from "vitest";
import { Rng } from "../../src/data/rng.js";

const take = (n: number, f: () => number) => Array.from({ length: n }, f);
const mean = (xs: number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;

test("the same seed and label give the same numbers, on every machine", () => {
  const r = new Rng(0, "golden");
  expect(take(4, () => r.uint32())).toEqual([4007006122, 348151035, 1936417568, 2505730427]);
  expect(r.uniform()).toBe(0.3527906010484464);
  expect(r.normal()).toBe(-2.8236126601622256);
});

test("the bits are those of xoshiro128**", () => {
  const r = Object.assign(new Rng(0) as object, { a: 1, b: 2, c: 3, d: 4 }) as unknown as Rng;
  expect(take(6, () => r.uint32())).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492]);
});

test("seeds and labels give unrelated streams", () => {
  const first = (seed: number, label?: string) => new Rng(seed, label).uint32();
  const all = [
    first(0),
    first(1),
    first(2 ** 32),
    first(2 ** 33),
    first(0, "a"),
    first(0, "b"),
    first(0, "ab"),
    first(0, "ba"),
  ];
  expect(new Set(all).size).toBe(all.length);
  const a = new Rng(1, "x");
  const b = new Rng(2, "x");
  const products = take(20000, () => a.normal() * b.normal());
  expect(Math.abs(mean(products))).toBeLessThan(4 / Math.sqrt(20000));
});

test("uniform, normal and below have the moments they should have", () => {
  const r = new Rng(3);
  const n = 50000;
  const u = take(n, () => r.uniform(-2, 4));
  expect(Math.min(...u)).toBeGreaterThanOrEqual(-2);
  expect(Math.max(...u)).toBeLessThan(4);
  expect(mean(u)).toBeCloseTo(1, 1);
  const z = take(n, () => r.normal());
  expect(Math.abs(mean(z))).toBeLessThan(4 / Math.sqrt(n));
  expect(Math.abs(mean(z.map((x) => x * x)) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
  expect(Math.abs(mean(z.map((x) => x ** 4)) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
  const counts = new Array(7).fill(0);
  for (let i = 0; i < 70000; i++) counts[r.below(7)]++;
  const chi2 = counts.reduce((s, c) => s + (c - 10000) ** 2 / 10000, 0);
  expect(chi2).toBeLessThan(22.5); // 99.9 % of chi-squared with 6 degrees of freedom
});

test("shuffle keeps the items and moves them", () => {
  const items = Uint32Array.from({ length: 1000 }, (_, i) => i);
  const shuffled = new Rng(4).shuffle(Uint32Array.from(items));
  expect(shuffled).not.toEqual(items);
  expect(Uint32Array.from(shuffled).sort()).toEqual(items);
});

test("bad arguments are named", () => {
  expect(() => new Rng(-1)).toThrow("seed must be an integer from 0 to 2^53 - 1, got -1");
  expect(() => new Rng(0.5)).toThrow("got 0.5");
  expect(() => new Rng(0).below(0)).toThrow("below(n) needs an integer n from 1 to 2^32, got 0");
});
