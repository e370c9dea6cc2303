import { describe, expect, it } from "vitest";
import { Arena, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { type ScaledColumns, scale, scaleColumns } from "../../src/ops/scale.js";
import { Tape } from "../../src/ops/tape.js";
import { checkOp, expectClose, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

const part = (column: number, width: number, factor: number): ScaledColumns => ({ column, width, factor });

describe("scaling columns agrees with the definition, forward and backward", () => {
  it.each([
    { rows: 1, width: 1, segments: [part(0, 1, -3)] },
    { rows: 37, width: 12, segments: [part(0, 4, 0.35), part(4, 8, 2)] },
    { rows: 9, width: 13, segments: [part(7, 3, 0.1767766952966369), part(0, 2, 1e-7), part(12, 1, 1)] },
    { rows: 130, width: 64, segments: [part(3, 40, 0)] },
    { rows: 5, width: 8, segments: [] },
  ])("at $rows rows of $width columns, $segments", async ({ rows, width, segments }) => {
    await checkOp(holder.gpu, {
      inputs: { x: input([rows, width], 1) },
      build: (tape, { x }) => scaleColumns(tape, x, segments),
      reference: ({ x }) =>
        x.map((value, i) => {
          const at = i % width;
          const own = segments.find(({ column, width: length }) => at >= column && at < column + length);
          return value * (own?.factor ?? 1);
        }),
    });
  });

  it("and scale is the case of all columns", async () => {
    await checkOp(holder.gpu, {
      inputs: { x: input([2, 7, 5], 1) },
      build: (tape, { x }) => scale(tape, x, 5.65685424949238),
      reference: ({ x }) => x.map((value) => value * 5.65685424949238),
    });
  });

  it("and adds to a gradient that is there already", async () => {
    const inputs = { x: input([9, 16], 1) };
    const { gradients } = await runOp(
      holder.gpu,
      inputs,
      (tape, { x }) => {
        tape.recorder.copy(x, tape.gradientOf(x).gradient);
        return scaleColumns(tape, x, [part(4, 12, 3)]);
      },
      (shape) => random(shape, 5),
    );
    const dy = random([9, 16], 5);
    const expected = Float64Array.from(inputs.x.values, (value, i) => value + dy[i] * (i % 16 < 4 ? 1 : 3));
    expectClose("gradient", gradients.x, expected, 1e-6);
  });
});

describe("scaleColumns", () => {
  const tryOn = (segments: ScaledColumns[]) => () => {
    const { gpu } = holder;
    scaleColumns(new Tape(new Recorder(gpu), new Arena(gpu), true), tensorFrom(gpu, [2, 8], "zxbcdt"), segments);
  };

  it.each([
    { segments: [part(0, 9, 2)], ranges: "[0, 9)" },
    { segments: [part(4, 4, 2), part(0, 5, 2)], ranges: "[0, 5), [4, 8)" },
    { segments: [part(-1, 4, 2)], ranges: "[-1, 3)" },
    { segments: [part(2, 0, 2)], ranges: "[2, 2)" },
  ])("refuses columns $ranges of 8", ({ segments, ranges }) => {
    expect(tryOn(segments)).toThrow(`Scale: columns ${ranges} overlap or do not lie in the 8 columns of zxbcdt`);
  });

  it("refuses a factor that is not finite in f32", () => {
    expect(tryOn([part(0, 8, 1e39)])).toThrow("A multiplier of 1e+39 is not a finite number");
  });
});
