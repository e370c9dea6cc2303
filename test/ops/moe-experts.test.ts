import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { combine } from "../../src/ops/moe-combine.js";
import { groupedLinear } from "../../src/ops/moe-matmul.js";
import { expertPlan } from "../../src/ops/moe-plan.js";
import { Tape } from "../../src/ops/tape.js";
import * as reference from "../reference/moe.js";
import { asHardware, checkOp, expectClose, half, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

/** A choice of experts from `some` of them alone, so that the others stay empty. */
const choiceOf = (rows: number, topK: number, some: number[], seed = 6): Uint32Array =>
  Uint32Array.from(random([rows * topK], seed, some.length / 2, some.length / 2), (value) => some[Math.floor(value)]);

const uploaded = (choice: Uint32Array, topK: number) =>
  tensorFrom(holder.gpu, [choice.length / topK, topK], "choice", choice);

const adapters: [string, () => Gpu][] = [
  ["software", () => holder.gpu],
  ["hardware", () => asHardware(holder.gpu)],
];

describe.each(adapters)("expertPlan, %s", (_, gpu) => {
  it.each([
    ["one token", 1, 1, 8, [5]],
    ["one block", 100, 2, 4, [0, 1, 2, 3]],
    ["a full block, more experts than invocations", 256, 1, 300, [0, 150, 299]],
    ["one more than a block", 257, 1, 4, [1, 3]],
    ["all to one expert", 700, 1, 3, [1]],
    ["empty experts", 1300, 3, 130, [0, 17, 64, 129]],
  ] as const)("sorts assignments by expert: %s", async (_, rows, topK, experts, some) => {
    const choice = choiceOf(rows, topK, [...some]);
    const recorder = new Recorder(gpu());
    const tape = new Tape(recorder, new Arena(holder.gpu), true);
    const plan = expertPlan(tape, uploaded(choice, topK), experts);
    recorder.submit();
    const read = async (tensor: typeof plan.order) => [...new Uint32Array((await download(holder.gpu, tensor)).buffer)];
    const order = reference.sorted(choice);
    expect(await read(plan.order)).toEqual(order);
    const slots = await read(plan.slots);
    expect(order.map((assignment) => slots[assignment])).toEqual(order.map((_, slot) => slot));
    const loads = Array.from({ length: experts }, (_, e) => choice.filter((chosen) => chosen === e).length);
    expect(await read(plan.counts)).toEqual(loads);
    const lists = await read(plan.lists);
    const entries = (first: number, count: number) =>
      Array.from({ length: count }, (_, i) => lists.slice(4 * (first + i), 4 * (first + i) + 3));
    const begins = loads.map((_, e) => loads.slice(0, e).reduce((a, b) => a + b, 0));
    expect(entries(plan.tiles, experts)).toEqual(loads.map((load, e) => [e, begins[e], begins[e] + load]));
    for (const [first, count, height] of [
      [0, plan.tiles, plan.height],
      [plan.tiles + experts, plan.chunks, plan.chunk],
    ]) {
      if (count === 0) continue;
      const expected = loads.flatMap((load, e) =>
        Array.from({ length: Math.ceil(load / height) }, (_, i) => [
          e,
          begins[e] + i * height,
          Math.min(begins[e] + (i + 1) * height, begins[e] + load),
        ]),
      );
      expect(expected.length, "the static number of entries is enough").toBeLessThanOrEqual(count);
      const rest = new Array(count - expected.length).fill([experts, 0, 0]);
      expect(entries(first, count)).toEqual([...expected, ...rest]);
    }
  });
});

interface Case {
  rows: number;
  topK: number;
  experts: number;
  n: number;
  k: number;
  some: number[];
}
const cases: Case[] = [
  { rows: 1, topK: 1, experts: 4, n: 5, k: 3, some: [2] },
  { rows: 3, topK: 2, experts: 3, n: 8, k: 4, some: [0, 2] },
  { rows: 77, topK: 1, experts: 3, n: 12, k: 20, some: [0, 1, 2] },
  { rows: 41, topK: 3, experts: 5, n: 7, k: 18, some: [0, 3, 4] },
  // On hardware: tall tiles, wide weight tiles, several chunks an expert.
  { rows: 310, topK: 1, experts: 2, n: 100, k: 104, some: [0, 1] },
  // On hardware: one product an expert, without chunks.
  { rows: 90, topK: 2, experts: 128, n: 8, k: 12, some: [3, 4, 127] },
];
const nameOf = (o: Case) => `R${o.rows}-K${o.topK}-E${o.experts}-N${o.n}-D${o.k}`;

describe("groupedLinear of what is kept in f16 agrees with float64 to f16's eleven bits", () => {
  const halves = [cases[1], cases[4], { rows: 200, topK: 2, experts: 3, n: 64, k: 32, some: [0, 2] }];
  for (const rows of ["tokens", "slots"] as const) {
    it.for(halves.map((o) => [nameOf(o), o] as const))(`x by ${rows}: %s`, async ([, o], { skip }) => {
      if (!holder.gpu.has("shader-f16")) skip("this adapter has no f16");
      const choice = choiceOf(o.rows, o.topK, o.some);
      const wanted = rows === "tokens" ? o.rows : choice.length;
      await checkOp(asHardware(holder.gpu), {
        inputs: { x: half(input([wanted, o.k], 1)), w: input([o.experts, o.n, o.k], 2) },
        build: (tape, { x, w }) => {
          const plan = expertPlan(tape, uploaded(choice, o.topK), o.experts);
          return groupedLinear(tape, x, w, plan, rows, "grouped");
        },
        reference: ({ x, w }) => reference.groupedLinear(x, w, choice, { ...o, rows }),
        samples: 12,
        tolerance: 2e-3,
        gradientTolerance: 4e-3,
      });
    });
  }
});

describe.each(adapters)("groupedLinear agrees with float64, forward and backward, %s", (_, gpu) => {
  for (const rows of ["tokens", "slots"] as const) {
    // Rows by slot need no assignments added up, which is all that sets the other cases apart.
    const some = rows === "tokens" ? cases : [cases[3], cases[4]];
    it.each(some.map((o) => [nameOf(o), o] as const))(`x by ${rows}: %s`, async (_, o) => {
      const choice = choiceOf(o.rows, o.topK, o.some);
      const wanted = rows === "tokens" ? o.rows : choice.length;
      await checkOp(gpu(), {
        inputs: { x: input([wanted, o.k], 1), w: input([o.experts, o.n, o.k], 2) },
        build: (tape, { x, w }) => {
          const plan = expertPlan(tape, uploaded(choice, o.topK), o.experts);
          return groupedLinear(tape, x, w, plan, rows, "grouped");
        },
        reference: ({ x, w }) => reference.groupedLinear(x, w, choice, { ...o, rows }),
        samples: o.n * o.k > 1000 ? 8 : 24,
      });
    });
  }
});

describe("groupedLinear", () => {
  it("takes large tiles both ways on hardware, as the plain kernels have it", async () => {
    const [rows, experts, n, k] = [256, 2, 5500, 4];
    const choice = choiceOf(rows, 1, [0, 1]);
    const run = (gpu: Gpu) =>
      runOp(
        gpu,
        { x: input([rows, k], 1), w: input([experts, n, k], 2) },
        (tape, { x, w }) => groupedLinear(tape, x, w, expertPlan(tape, uploaded(choice, 1), experts), "tokens", "g"),
        (shape) => random(shape, 5),
      );
    const [plain, large] = [await run(holder.gpu), await run(asHardware(holder.gpu))];
    expectClose("output", large.output, plain.output, 1e-6);
    for (const name of ["x", "w"]) expectClose(name, large.gradients[name], plain.gradients[name], 1e-5);
  });

  it.each(adapters)("adds to gradients that are there already, %s", async (_, gpu) => {
    // Several choices a token, chunks of slots, and one product an expert.
    for (const o of cases.slice(3)) {
      const choice = choiceOf(o.rows, o.topK, o.some);
      const inputs = { x: input([o.rows, o.k], 1), w: input([o.experts, o.n, o.k], 2) };
      const run = (before: boolean) =>
        runOp(
          gpu(),
          inputs,
          (tape, { x, w }) => {
            for (const tensor of before ? [x, w] : []) tape.recorder.copy(tensor, tape.gradientOf(tensor).gradient);
            const plan = expertPlan(tape, uploaded(choice, o.topK), o.experts);
            return groupedLinear(tape, x, w, plan, "tokens", "grouped");
          },
          (shape) => random(shape, 5),
        );
      const [without, added] = [await run(false), await run(true)];
      for (const name of ["x", "w"] as const) {
        const expected = without.gradients[name].map((value, i) => value + inputs[name].values[i]);
        expectClose(`${nameOf(o)} gradient of ${name}`, added.gradients[name], expected, 1e-6);
      }
    }
  });

  it.each(adapters)("gives the same bits every time, %s", async (_, gpu) => {
    const o = cases[3];
    const choice = choiceOf(o.rows, o.topK, o.some);
    const run = () =>
      runOp(
        gpu(),
        { x: input([o.rows, o.k], 1), w: input([o.experts, o.n, o.k], 2) },
        (tape, { x, w }) =>
          groupedLinear(tape, x, w, expertPlan(tape, uploaded(choice, o.topK), o.experts), "tokens", "grouped"),
        (shape) => random(shape, 5),
      );
    expect(await run()).toEqual(await run());
  });

  it("says what does not fit", () => {
    const tape = new Tape(new Recorder(holder.gpu), new Arena(holder.gpu), false);
    const plan = expertPlan(tape, uploaded(Uint32Array.from([0, 1, 1]), 1), 2);
    const x = tensorFrom(holder.gpu, [3, 4], "x");
    const w = tensorFrom(holder.gpu, [2, 6, 5], "w");
    expect(() => groupedLinear(tape, x, w, plan, "tokens", "experts in")).toThrow(
      "Product experts in: x [3,4] and W [2,6,5] do not fit 3 rows and 2 experts",
    );
  });
});

describe.each(adapters)("combine agrees with float64, forward and backward, %s", (_, gpu) => {
  it.each([
    [1, 1, 3, false],
    [37, 1, 8, true],
    [19, 3, 6, true],
    [33, 2, 300, false],
  ])("R%i-K%i-D%i, residual: %s", async (rows, topK, width, added) => {
    const choice = choiceOf(rows, topK, [0, 2, 3]);
    const inputs = {
      y: input([rows * topK, width], 1),
      weight: input([rows, topK], 2),
      residual: input([rows, width], 3),
    };
    await checkOp(gpu(), {
      inputs,
      build: (tape, { y, weight, residual }) => {
        const plan = expertPlan(tape, uploaded(choice, topK), 4);
        return combine(tape, y, weight, plan, added ? residual : undefined);
      },
      // The residual's gradient is that of the output, handed over in place.
      gradients: ["y", "weight"],
      reference: ({ y, weight, residual }) =>
        reference.combine(y, weight, choice, width, topK, added ? residual : undefined),
    });
  });
});
