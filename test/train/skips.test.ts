import { describe, expect, it } from "vitest";
import { Curve } from "../../src/train/curve.js";
import { Skips } from "../../src/train/skips.js";

const fine = { loss: 4, norm: 1 };
const lost = { loss: Number.NaN, norm: Number.NaN };
const overflow = { loss: 4, norm: Number.POSITIVE_INFINITY };

describe("steps that the optimizer leaves out", () => {
  it("are none without a loss scale: the first ends training", () => {
    const skips = new Skips(false);
    expect(skips.after(fine)).toBeUndefined();
    expect(skips.after(overflow)).toBe("gradient norm is Infinity");
    expect(skips.after(lost)).toBe("loss is NaN");
  });

  it("may come with a loss scale, also where the loss was lost, but not 24 in a row", () => {
    const skips = new Skips(true);
    for (const outcome of [lost, overflow, fine]) expect(skips.after(outcome)).toBeUndefined();
    for (let i = 1; i < 24; i++) expect(skips.after(i % 2 ? lost : overflow)).toBeUndefined();
    expect(skips.after(lost)).toBe("loss is NaN for the 24th step in a row");
  });

  it("begin to count anew after a step that was taken", () => {
    const skips = new Skips(true);
    for (let i = 0; i < 100; i++) expect(skips.after(i % 24 === 23 ? fine : lost)).toBeUndefined();
  });

  it("are no excuse for a loss that is lost while gradients are finite", () => {
    expect(new Skips(true).after({ loss: Number.NaN, norm: 1 })).toBe("loss is NaN");
  });
});

it("a step without a loss counts in no mean of the curve, also after a stop", () => {
  const curve = new Curve();
  for (const loss of [4, Number.NaN, 2]) curve.add(loss);
  const again = new Curve(JSON.parse(JSON.stringify(curve.save())));
  for (const loss of [Number.NaN, Number.NaN, 1]) again.add(loss);
  const cut = { steps: 600, tokensPerStep: 10, lrAt: () => 1, every: 600 };
  expect(again.points(cut).map(({ step, train }) => [step, train])).toEqual([
    [3, 3],
    [6, 1],
  ]);
});
