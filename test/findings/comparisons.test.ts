import { describe, expect, test } from "vitest";
import { accuracies } from "../../src/findings/accuracy.js";
import { differenceOf, differencesBySeed } from "../../src/findings/by-seed.js";
import { seedsInWords, seedsToSettle } from "../../src/findings/change.js";
import { restsOn } from "../../src/findings/claims.js";
import { comparisonRows, pooledInWords } from "../../src/findings/comparison-rows.js";
import type { Verdict } from "../../src/findings/finding.js";
import { contrast, lossesByLabel } from "../../src/findings/losses.js";
import { pooledIntervals, pooledParts } from "../../src/findings/pooled.js";
import { belowZero, type Interval, interval95, withinMargin } from "../../src/findings/stats.js";
import { makeRecord } from "../../src/runs/record.js";
import { fakeProvenance, fakeRecord, fakeResult, fakeSpec } from "../runs/fake.js";

const part = (name: string, values: number[]): Verdict["parts"][number] => {
  const interval = interval95(values);
  return { name, interval, outcome: belowZero(interval) };
};

describe("losses", () => {
  test("come by label and seed, and pair over the seeds that both have", () => {
    const run = (label: string, seed: number, loss: number) => fakeRecord({ label, spec: fakeSpec(seed) }, loss);
    // Seed 1 of b is missing, and b comes in another order: taken one after the other, the pairs would be the wrong ones.
    const losses = lossesByLabel([
      ...[run("a", 0, 3), run("a", 1, 9), run("a", 2, 3.5)],
      ...[run("b", 2, 4.25), run("b", 0, 4), run("c", 0, 5)],
    ]);
    expect([...losses.keys()]).toEqual(["a", "b", "c"]);
    expect(contrast(losses, ["a"], ["b"])).toMatchObject({ mean: -0.875, n: 2 });
    expect(differenceOf(losses, "a", "b")).toEqual(contrast(losses, ["a"], ["b"]));
    expect(differencesBySeed(losses, "b", "a")).toEqual(
      new Map([
        [2, 0.75],
        [0, 1],
      ]),
    );
    // Of a group, too: seed 1 of a alone is no mean of a and b.
    expect(contrast(losses, ["a", "b"], ["a"])).toMatchObject({ mean: (0.5 + 0.375) / 2, n: 2 });
    for (const compare of [contrast(losses, ["c"], ["c"]), differenceOf(losses, "c", "c")]) {
      expect(compare).toMatchObject({ mean: 0, n: 1 });
    }
    const few = "a against c: of seeds 0, 1, 2 and 0 fewer than two pair";
    expect(() => contrast(losses, ["a"], ["c"])).toThrow(few);
    expect(() => differenceOf(losses, "a", "c")).toThrow(few);
  });
});

describe("accuracies", () => {
  test("are means in percent, and empty where runs were not asked", () => {
    const asked = [250, 300].map((correct, seed) => {
      const score = { correct, questions: 1000 };
      const result = { ...fakeResult(), tasks: { cloze: score, lastWord: score, recall: score } };
      return makeRecord({ finding: "f", label: "a", spec: fakeSpec(seed) }, result, fakeProvenance);
    });
    expect(accuracies(asked)).toEqual({ cloze: 27.5, lastWord: 27.5, recall: 27.5 });
    expect(accuracies([fakeRecord()])).toEqual({ cloze: null, lastWord: null, recall: null });
  });
});

describe("the seeds that settle a comparison", () => {
  test("are those with which its interval ends at zero, or at the margin", () => {
    // t(0.975, 5) = 2.571: 2.571 / √6 = 1.0496; t(0.975, 6) = 2.447: 2.447 / √7 = 0.925.
    expect(seedsToSettle({ mean: -1, sd: 1, low: 0, high: 0, n: 3 })).toBe(7);
    expect(seedsToSettle({ mean: -1, sd: 1, low: 0, high: 0, n: 3 }, 1)).toBe(4);
    expect(seedsToSettle({ mean: 0, sd: 1, low: 0, high: 0, n: 3 })).toBe(Number.POSITIVE_INFINITY);
  });

  test("are named for the open comparisons alone", () => {
    const words = seedsInWords([part("a − b", [-1, 0.2, 0.1]), part("c − d", [-1, -1.1, -0.9])]);
    expect(words).toMatch(/would need a − b about \d+\.$/);
    expect(seedsInWords([part("c − d", [-1, -1.1, -0.9])])).toBeUndefined();
  });
});

describe("pooled intervals", () => {
  test("take the spread of all, with its degrees of freedom", () => {
    const [narrow, wide] = pooledIntervals([interval95([1, 1, 1]), interval95([0, 1, 2])]);
    // Standard deviations 0 and 1: √½ together, 4 degrees of freedom, t(0.975, 4) = 2.776.
    expect(narrow.sd).toBeCloseTo(Math.SQRT1_2, 12);
    expect(narrow.high - narrow.mean).toBeCloseTo((2.7764 * Math.SQRT1_2) / Math.sqrt(3), 3);
    expect(wide.high - wide.mean).toBe(narrow.high - narrow.mean);
    expect(pooledIntervals([interval95([1])])[0].low).toBe(Number.NEGATIVE_INFINITY);
  });

  test("keep groups apart and name each comparison once", () => {
    const parts = [part("a − b", [1, 1.1, 0.9]), part("a − T", [0, 5, 10])];
    const pooled = pooledParts([{ parts }, { parts }], (name) => name.slice(-1));
    expect(pooled.map(({ name }) => name)).toEqual(["a − b", "a − T"]);
    for (const { interval, pooled: own } of pooled) expect(own!.low).toBeCloseTo(interval.low, 9);
    const one = pooledParts([{ parts }], (name) => (name.endsWith("T") ? undefined : "others"));
    expect(one.map((row) => row.pooled === undefined)).toEqual([false, true]);
  });

  test("say what they would decide, and what no longer", () => {
    const verdict = {
      ...{ claim: "", paper: "", evidence: "", outcome: "unresolved" as const },
      // Decided by seeds that happen to agree; open by one seed that does not; far from zero either way; not pooled.
      parts: [
        part("a − b", [-0.1, -0.1, -0.101]),
        part("a − c", [3, 4, 6]),
        part("b − c", [-9, -9.5, -9.2]),
        part("a − T", [0, 5, 10]),
      ],
    };
    const rows = comparisonRows([verdict], (name) => (name.endsWith("T") ? undefined : "others"));
    expect(rows.map(({ outcome }) => outcome)).toEqual(["reproduced", "contradicted", "reproduced", "unresolved"]);
    expect(rows[3]).toMatchObject({ pooledLow: null, pooledHigh: null });
    expect(pooledInWords(rows)).toBe("Of 4 comparisons 3 are decided. With the pooled spread these no longer: a − b.");
    const open = { ...verdict, parts: [part("a − b", [0.1, 0.1, 0.101]), part("a − c", [1, 2, 3]), verdict.parts[2]] };
    expect(pooledInWords(comparisonRows([open], () => "all"))).toBe(
      "Of 3 comparisons 2 are decided. With the pooled spread these would be as well: a − c (the other side); and these no longer: a − b.",
    );
    // Worse by no more than 0.2, with the pooled spread as well, though that holds zero.
    const within = {
      ...part("a − b", [0.1, 0.1, 0.101]),
      outcome: "reproduced" as const,
      judge: (own: Interval) => withinMargin(own, 2),
    };
    const balance = { ...verdict, parts: [within, part("a − c", [1, 2, 3])] };
    expect(pooledInWords(comparisonRows([balance], () => "all"))).not.toContain("no longer");
    expect(pooledInWords(rows.slice(2, 3))).toBe(
      "Of 1 comparisons 1 is decided. With the pooled spread they would be the same.",
    );
  });
});

describe("what a contradiction rests on", () => {
  // Mean 1 with standard deviation s: t is √3 / s, 4.3 for one comparison of three seeds and 8.9 for four together.
  const at = (name: string, s: number) => part(name, [1 - s, 1, 1 + s]);

  test("is named, with what stays when the number of comparisons is reckoned with", () => {
    const open = part("o − p", [-1, 0, 1]);
    expect(at("a − b", 0.3).outcome).toBe("contradicted");
    expect(restsOn([at("a − b", 0.3), open, open, open])).toBe(
      "It rests on a − b; with intervals that hold for all 4 comparisons together (Bonferroni), on nothing: it would be unresolved. ",
    );
    expect(restsOn([at("a − b", 0.3), at("c − d", 0.1), open, open])).toBe(
      "It rests on a − b, c − d; with intervals that hold for all 4 comparisons together (Bonferroni), on c − d alone. ",
    );
    expect(restsOn([at("c − d", 0.1), open])).toBe(
      "It rests on c − d; with intervals that hold for all 2 comparisons together (Bonferroni), on it too. ",
    );
    expect(restsOn([at("c − d", 0.1)])).toBe("");
    expect(restsOn([open])).toBe("");
  });

  test("is judged as the claim is", () => {
    const beyond = (margin: number) => ({
      ...at("a − b", 0.1),
      outcome: "contradicted" as const,
      judge: (interval: Interval) => withinMargin(interval, margin),
    });
    expect(restsOn([beyond(0.3), beyond(0.3)])).toContain("on them too");
    expect(restsOn([beyond(0.7), beyond(0.7)])).toContain("on nothing");
  });
});
