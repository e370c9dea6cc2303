import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom, upload } from "../../src/gpu/arena.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { adamW, createOptimizerState, gradientNorm, writeOptimizerState } from "../../src/ops/adamw.js";
import * as reference from "../reference/adamw.js";
import { expectClose, random, useGpu } from "./harness.js";

const holder = useGpu();
const decayed = (i: number) => Math.floor(i / 64) % 3 !== 1;
const rates = { lr: 3e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1 };

/** A recorded step over `size` parameters, to be replayed with gradients of one's own. */
function recorded(gpu: Gpu, size: number) {
  const zeros = new Float32Array(size);
  const parameters = tensorFrom(gpu, [size], "parameters", random([size], 1));
  const gradients = tensorFrom(gpu, [size], "gradients");
  const [first, second] = [tensorFrom(gpu, [size], "first", zeros), tensorFrom(gpu, [size], "second", zeros)];
  const blocks = Uint32Array.from({ length: size / 64 }, (_, block) => Number(decayed(block * 64)));
  const decayBlocks = tensorFrom(gpu, [size / 64], "decay", blocks);
  const state = createOptimizerState(gpu);
  const recorder = new Recorder(gpu);
  const norm = gradientNorm(recorder, new Arena(gpu), gradients);
  adamW(recorder, { parameters, gradients, first, second, decayBlocks, norm, state });
  const step = (values: Float32Array<ArrayBuffer>, t: number, clip: number) => {
    upload(gpu, gradients, values);
    writeOptimizerState(gpu, state, { ...rates, step: t, clip });
    recorder.submit();
  };
  return { parameters, first, second, norm, step };
}

describe("adamW agrees with float64 over five steps", () => {
  it.each([
    { size: 64, clip: 0 },
    { size: 64 * 37, clip: 1 },
    // Clipped at the steps with large gradients only.
    { size: 64 * 300, clip: 40 },
  ])("of $size parameters, clipped at $clip", async ({ size, clip }) => {
    const { gpu } = holder;
    const { step, norm, ...tensors } = recorded(gpu, size);
    const exact = {
      parameters: Float64Array.from(random([size], 1)),
      first: new Float64Array(size),
      second: new Float64Array(size),
    };
    const before = Float64Array.from(exact.parameters);
    for (let t = 1; t <= 5; t++) {
      const gradients = random([size], 10 + t, t % 2 ? 0.1 : 2);
      step(gradients, t, clip);
      reference.adamW(exact, gradients, decayed, t, { ...rates, clip });
      const squares = gradients.reduce((sum, g) => sum + g ** 2, 0);
      expectClose("norm", await download(gpu, norm), [Math.sqrt(squares)], 1e-5);
    }
    const moved = (parameters: ArrayLike<number>) => before.map((value, i) => parameters[i] - value);
    expectClose("change", moved(await download(gpu, tensors.parameters)), moved(exact.parameters), 1e-5);
    expectClose("first moment", await download(gpu, tensors.first), exact.first, 1e-5);
    expectClose("second moment", await download(gpu, tensors.second), exact.second, 1e-5);
  });
});

it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e30])(
  "a gradient of %d leaves parameters and moments untouched, with and without clipping",
  async (bad) => {
    const { gpu } = holder;
    const { step, norm, ...tensors } = recorded(gpu, 128);
    step(random([128], 3), 1, 1);
    const read = () => Promise.all(Object.values(tensors).map((tensor) => download(gpu, tensor)));
    const before = await read();
    for (const clip of [0, 1]) {
      step(random([128], 4).fill(bad, 77, 78), 2, clip);
      expect(Number.isFinite((await download(gpu, norm))[0])).toBe(false);
      expect(await read()).toEqual(before);
    }
    step(random([128], 4), 2, 1);
    expect(await read()).not.toEqual(before);
  },
);

it("says what does not fit", () => {
  const { gpu } = holder;
  const tensor = (size: number) => tensorFrom(gpu, [size], "t");
  const state = createOptimizerState(gpu);
  const run = (size: number, other: number) =>
    adamW(new Recorder(gpu), {
      parameters: tensor(size),
      gradients: tensor(size),
      first: tensor(size),
      second: tensor(other),
      decayBlocks: tensor(Math.ceil(size / 64)),
      norm: tensor(1),
      state,
    });
  expect(() => run(128, 64)).toThrow("all must be of one size, a multiple of 64");
  expect(() => run(100, 100)).toThrow("all must be of one size, a multiple of 64");
  expect(() => writeOptimizerState(gpu, state, { ...rates, step: 0, clip: 1 })).toThrow("counts its steps from 1");
});
