import { describe, expect, test } from "vitest";
import {
  allOf,
  belowZero,
  incompleteBeta,
  interval95,
  mean,
  pairedDifference,
  sd,
  studentCdf,
  studentQuantile,
  widened,
  withinMargin,
} from "../../src/findings/stats.js";

describe("Student's t", () => {
  // Printed tables (NIST/SEMATECH e-Handbook 1.3.6.7.2) and closed forms: df 1 is Cauchy's, df 2 is algebraic.
  test.each([
    [0.975, 1, Math.tan(Math.PI * 0.475)],
    [0.999, 1, Math.tan(Math.PI * 0.499)],
    [0.975, 2, (2 * 0.975 - 1) * Math.sqrt(2 / (4 * 0.975 * 0.025))],
    [0.6, 2, 0.2 * Math.sqrt(2 / (4 * 0.6 * 0.4))],
  ])("has its closed-form quantile at p %f with %i degrees of freedom", (p, df, expected) => {
    expect(Math.abs(studentQuantile(p, df) / expected - 1)).toBeLessThan(1e-10);
  });

  test.each([
    [0.975, 2, 4.303],
    [0.975, 3, 3.182],
    [0.975, 4, 2.776],
    [0.975, 9, 2.262],
    [0.975, 29, 2.045],
    [0.95, 5, 2.015],
    [0.99, 10, 2.764],
    [0.999, 20, 3.552],
    [0.975, 1e7, 1.96],
  ])("agrees with the printed table at p %f with %i degrees of freedom", (p, df, printed) => {
    expect(Math.abs(studentQuantile(p, df) - printed)).toBeLessThan(5.1e-4);
  });

  test.each([3, 4, 5, 9, 17, 30])("agrees with numerical integration of its density at %i degrees of freedom", (df) => {
    const q = studentQuantile(0.975, df);
    const density = (t: number) => (1 + (t * t) / df) ** (-(df + 1) / 2);
    // P(|T| <= q) by Simpson's rule; the whole line by t = tan(u).
    const simpson = (f: (x: number) => number, a: number, b: number, n = 4000) => {
      const h = (b - a) / n;
      let sum = f(a) + f(b);
      for (let i = 1; i < n; i++) sum += (i % 2 === 1 ? 4 : 2) * f(a + i * h);
      return (sum * h) / 3;
    };
    const whole = simpson((u) => density(Math.tan(u)) / Math.cos(u) ** 2, 0, Math.PI / 2 - 1e-9);
    expect(Math.abs(simpson(density, 0, q) / whole - 0.95)).toBeLessThan(1e-8);
  });

  test("is symmetric, and its quantile inverts its distribution function", () => {
    for (const df of [0.7, 1, 2.5, 8, 200]) {
      for (const p of [0.001, 0.2, 0.5, 0.93, 0.9999]) {
        expect(studentCdf(studentQuantile(p, df), df)).toBeCloseTo(p, 12);
        expect(studentQuantile(1 - p, df)).toBeCloseTo(-studentQuantile(p, df), 6);
      }
    }
  });

  test("rests on the incomplete beta function, which is a binomial tail at whole numbers", () => {
    // I_x(k, n - k + 1) = P(Binomial(n, x) >= k); for n = 5, k = 3, x = 0.4.
    expect(incompleteBeta(0.4, 3, 3)).toBeCloseTo(10 * 0.4 ** 3 * 0.6 ** 2 + 5 * 0.4 ** 4 * 0.6 + 0.4 ** 5, 14);
    expect([incompleteBeta(0, 2, 3), incompleteBeta(1, 2, 3)]).toEqual([0, 1]);
  });

  test("refuses probabilities and degrees of freedom out of range", () => {
    expect(() => studentQuantile(1, 2)).toThrow("a quantile needs a probability between 0 and 1, got 1");
    expect(() => studentQuantile(0.9, 0)).toThrow("positive number of degrees of freedom");
  });
});

describe("intervals", () => {
  test("of three values use the t of two degrees of freedom", () => {
    const { mean: centre, sd: spread, low, high, n } = interval95([1, 2, 3]);
    expect([centre, spread, n]).toEqual([2, 1, 3]);
    expect(high - centre).toBeCloseTo(4.302652729911275 / Math.sqrt(3), 9);
    expect(centre - low).toBeCloseTo(high - centre, 12);
  });

  test("of one value are infinite, so that nothing is claimed from one seed", () => {
    const one = interval95([-5]);
    expect([one.low, one.high]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect(belowZero(one)).toBe("unresolved");
  });

  test("of paired differences ignore what both sides share", () => {
    const a = new Map([0, 1, 2].map((seed) => [seed, 3 + 10 * seed + 0.001 * seed]));
    const b = new Map([2, 0, 1].map((seed) => [seed, 3.1 + 10 * seed]));
    const difference = pairedDifference(a, b);
    expect(difference.mean).toBeCloseTo(-0.099, 12);
    expect(difference.sd).toBeCloseTo(0.001, 12);
  });

  test("take the seeds that both sides have, two at least where they differ", () => {
    const of = (...seeds: number[]) => new Map(seeds.map((seed) => [seed, 10 ** seed]));
    const shifted = new Map([...of(2, 0)].map(([seed, value]) => [seed, value - 1]));
    expect(pairedDifference(of(0, 1, 2), shifted)).toMatchObject({ mean: 1, sd: 0, n: 2 });
    expect(pairedDifference(shifted, of(0, 1, 2))).toMatchObject({ mean: -1, sd: 0, n: 2 });
    expect(pairedDifference(of(1), of(1)).n).toBe(1);
    expect(() => pairedDifference(of(0, 1), of(0))).toThrow("of seeds 0, 1 and 0 fewer than two pair");
    expect(() => pairedDifference(of(1), of(2))).toThrow("of seeds 1 and 2 fewer than two pair");
  });

  test("of nothing are an error", () => {
    expect(() => mean([])).toThrow("no values");
    expect(sd([2, 4])).toBeCloseTo(Math.SQRT2, 12);
  });
});

describe("outcomes", () => {
  const around = (low: number, high: number) => ({ mean: (low + high) / 2, sd: 1, low, high, n: 3 });

  test("follow from the side of zero that the interval lies on", () => {
    expect(belowZero(around(-0.03, -0.01))).toBe("reproduced");
    expect(belowZero(around(0.01, 0.03))).toBe("contradicted");
    expect(belowZero(around(-0.01, 0.03))).toBe("unresolved");
  });

  test("of a margin follow from the side of the margin", () => {
    expect(withinMargin(around(-0.05, 0.014), 0.015)).toBe("reproduced");
    expect(withinMargin(around(0.016, 0.03), 0.015)).toBe("contradicted");
    expect(withinMargin(around(0.01, 0.02), 0.015)).toBe("unresolved");
  });

  test("of many comparisons have wider intervals", () => {
    const own = interval95([1, 2, 3]);
    expect(widened(own, 1)).toEqual(own);
    // t(1 - 0.025 / 5, 2) = 9.925.
    expect(widened(own, 5).high - 2).toBeCloseTo(9.9248 / Math.sqrt(3), 3);
    expect(widened(interval95([1]), 5).low).toBe(Number.NEGATIVE_INFINITY);
  });

  test("of several parts need them all", () => {
    expect(allOf(["reproduced", "reproduced"])).toBe("reproduced");
    expect(allOf(["reproduced", "unresolved"])).toBe("unresolved");
    expect(allOf(["unresolved", "contradicted"])).toBe("contradicted");
    expect(allOf([])).toBe("unresolved");
  });
});
