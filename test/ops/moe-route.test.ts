import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { balance } from "../../src/ops/moe-balance.js";
import { expertPlan } from "../../src/ops/moe-plan.js";
import { type RouteOptions, type Routing, route } from "../../src/ops/moe-route.js";
import { Tape } from "../../src/ops/tape.js";
import * as reference from "../reference/moe.js";
import { checkOp, expectClose, type Inputs, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

const kinds = ["sigmoid", "softmax", "softmax-topk"] as const;
const nameOf = (o: RouteOptions) => `${o.score}-K${o.topK}${o.normalise ? "-normalised" : ""}-x${o.scale}`;

/** The choice and the weights of a forward pass. */
async function forward(logits: Float32Array, bias: Float32Array | undefined, experts: number, o: RouteOptions) {
  const { gpu } = holder;
  const recorder = new Recorder(gpu);
  const tape = new Tape(recorder, new Arena(gpu), false);
  const rows = logits.length / experts;
  const b = bias && tensorFrom(gpu, [experts], "bias", bias);
  const { choice, weight } = route(tape, tensorFrom(gpu, [rows, experts], "logits", logits), b, o);
  recorder.submit();
  const chosen = new Uint32Array((await download(gpu, choice)).buffer);
  return { choice: [...chosen], weight: await download(gpu, weight) };
}

describe("route agrees with float64, forward and backward", () => {
  const options: RouteOptions[] = kinds.flatMap((score) =>
    [1, 3].flatMap((topK) =>
      [false, true].map((normalise) => ({ score, topK, normalise, scale: normalise ? 2.5 : 1 })),
    ),
  );
  for (const biased of [false, true]) {
    // A bias counts for the choice alone, whatever becomes of the weights.
    const tried = biased ? options.filter(({ topK, normalise }) => topK === 3 && !normalise) : options;
    it.each(tried.map((o) => [nameOf(o), o] as const))(`${biased ? "biased" : "unbiased"} %s`, async (_, o) => {
      for (const [rows, experts] of o.topK === 1
        ? [[67, 8]]
        : [
            [1, 3],
            [9, 33],
          ]) {
        const logits = input([rows, experts], 3, 3);
        const inputs: Inputs = biased ? { logits, bias: input([experts], 4, 0.3) } : { logits };
        const exact = (z: Float64Array) =>
          reference.route(z, biased ? Float64Array.from(random([experts], 4, 0.3)) : undefined, { ...o, experts });
        await checkOp(holder.gpu, {
          inputs,
          build: (tape, t) => route(tape, t.logits, t.bias, o).weight,
          gradients: ["logits"],
          reference: ({ logits }) => Float64Array.from(exact(logits).weight),
        });
        const { choice } = await forward(logits.values, inputs.bias?.values, experts, o);
        expect(choice).toEqual(exact(Float64Array.from(logits.values)).choice);
      }
    });
  }
});

describe("route", () => {
  const top = (topK: number, score: RouteOptions["score"]): RouteOptions => ({
    topK,
    score,
    normalise: false,
    scale: 1,
  });

  it.each(kinds)("gives ties to the lower index: %s", async (score) => {
    const logits = Float32Array.from([1, 2, 2, 2, 0, 0, 0, 0]);
    expect((await forward(logits, undefined, 4, top(2, score))).choice).toEqual([1, 2, 0, 1]);
    expect((await forward(logits, new Float32Array(4), 4, top(2, score))).choice).toEqual([1, 2, 0, 1]);
  });

  it("tells large logits apart though their sigmoids are equal", async () => {
    const logits = Float32Array.from([40, 60, 50, -200]);
    expect((await forward(logits, undefined, 4, top(3, "sigmoid"))).choice).toEqual([1, 2, 0]);
  });

  it("lets the bias choose, but not weigh", async () => {
    const { choice, weight } = await forward(
      new Float32Array(4),
      Float32Array.from([0, 0, 1, 0]),
      4,
      top(1, "sigmoid"),
    );
    expect(choice).toEqual([2]);
    expect(weight[0]).toBe(0.5);
  });

  it("stays finite at extreme logits, and chooses experts that exist where they are no numbers", async () => {
    for (const score of kinds) {
      const run = await runOp(
        holder.gpu,
        { logits: { shape: [2, 4], values: Float32Array.from([1e4, -1e4, 3e4, 0, -1e4, -1e4, -2e4, -1e4]) } },
        (tape, { logits }) => route(tape, logits, undefined, { ...top(2, score), normalise: true }).weight,
        (shape) => random(shape, 5),
      );
      expect([...run.output, ...run.gradients.logits].every(Number.isFinite), score).toBe(true);
      const { choice } = await forward(new Float32Array(5).fill(Number.NaN), undefined, 5, top(3, score));
      expect(choice.every((e) => e < 5)).toBe(true);
    }
  });

  it("says which topK there is", () => {
    const tape = new Tape(new Recorder(holder.gpu), new Arena(holder.gpu), false);
    const logits = tensorFrom(holder.gpu, [2, 4], "logits");
    expect(() => route(tape, logits, undefined, top(5, "sigmoid"))).toThrow("top 5 of 4 experts");
    const bias = tensorFrom(holder.gpu, [3], "bias");
    expect(() => route(tape, logits, bias, top(1, "sigmoid"))).toThrow("does not fit");
  });
});

describe("balance", () => {
  it.each([
    [1, 4, 1, "sigmoid"],
    [130, 8, 1, "sigmoid"],
    [300, 5, 2, "softmax"],
    [64, 70, 3, "softmax-topk"],
  ] as const)(
    "moves the bias against the load and keeps statistics: R%i-E%i-K%i %s",
    async (rows, experts, topK, score) => {
      const { gpu } = holder;
      const logits = random([rows, experts], 9, 3);
      const before = random([experts], 10, 0.1);
      const recorder = new Recorder(gpu);
      const arena = new Arena(gpu);
      const tape = new Tape(recorder, arena, true);
      const bias = tensorFrom(gpu, [experts], "bias", before);
      const o = { topK, score, normalise: false, scale: 1 };
      const routing: Routing = route(tape, tensorFrom(gpu, [rows, experts], "logits", logits), bias, o);
      const { counts } = expertPlan(tape, routing.choice, experts);
      const usage = { rows, topK, counts, entropy: routing.entropy! };
      const statistics = balance(recorder, arena, usage, { bias, step: 1e-3 });
      recorder.submit();
      const exact = reference.route(Float64Array.from(logits), Float64Array.from(before), { ...o, experts });
      const loads = Array.from({ length: experts }, (_, e) => exact.choice.filter((chosen) => chosen === e).length);
      const kept = await download(gpu, statistics);
      expect([...kept.subarray(0, experts)]).toEqual(loads);
      expectClose("entropy", [kept[experts]], [exact.entropy], 1e-5);
      const signs = loads.map((load) => Math.sign((rows * topK) / experts - load));
      const mean = signs.reduce((a, b) => a + b, 0) / experts;
      const moved = (await download(gpu, bias)).map((value, e) => value - before[e]);
      expectClose(
        "movement of the bias",
        moved,
        signs.map((sign) => 1e-3 * (sign - mean)),
        1e-3,
      );
    },
  );

  it("brings an unfair router's loads together in time", async () => {
    const { gpu } = holder;
    const [rows, experts] = [512, 4];
    // One expert is liked by everyone.
    const logits = random([rows, experts], 2).map((value, i) => value + (i % experts === 2 ? 1 : 0));
    const recorder = new Recorder(gpu);
    const arena = new Arena(gpu);
    const tape = new Tape(recorder, arena, true);
    const bias = tensorFrom(gpu, [experts], "bias", new Float32Array(experts));
    const o: RouteOptions = { topK: 1, score: "sigmoid", normalise: false, scale: 1 };
    const routing = route(tape, tensorFrom(gpu, [rows, experts], "logits", logits), bias, o);
    const { counts } = expertPlan(tape, routing.choice, experts);
    const usage = { rows, topK: 1, counts, entropy: routing.entropy! };
    const statistics = balance(recorder, arena, usage, { bias, step: 1e-2 });
    recorder.submit();
    const first = (await download(gpu, statistics)).subarray(0, experts);
    for (let step = 0; step < 60; step++) recorder.submit();
    const last = (await download(gpu, statistics)).subarray(0, experts);
    expect(Math.max(...first)).toBeGreaterThan(300);
    expect(Math.max(...last)).toBeLessThan(160);
  });
});
