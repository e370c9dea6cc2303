import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import type { Tensor } from "../../src/gpu/tensor.js";
import type { Recompute } from "../../src/memory/recompute.js";
import { gatedLinear } from "../../src/ops/activation.js";
import { concatColumns } from "../../src/ops/columns.js";
import { convSilu } from "../../src/ops/conv1d.js";
import { gate } from "../../src/ops/gate.js";
import { linear } from "../../src/ops/linear.js";
import { gatedRmsNorm, rmsNorm } from "../../src/ops/norm.js";
import { scaleColumns } from "../../src/ops/scale.js";
import { ssd } from "../../src/ops/ssd.js";
import { swiglu } from "../../src/ops/swiglu.js";
import { Tape } from "../../src/ops/tape.js";
import { gated } from "../reference/activation.js";
import * as reference from "../reference/columns.js";
import { convSiluReference } from "../reference/conv1d.js";
import * as norms from "../reference/norm.js";
import { ssdReference } from "../reference/ssd.js";
import { type Arrays, asHardware, checkOp, clear, half, type Inputs, input, random, useGpu } from "./harness.js";

const holder = useGpu();

interface Case {
  inputs: Inputs;
  build: (tape: Tape, tensors: Record<string, Tensor>) => Tensor;
  reference: (arrays: Arrays) => Float64Array;
  gradients?: string[];
}

/** Of a tensor that several operations share: the columns of the others hold zeros. Recorded last, so it runs first. */
const zeroFirst = (tape: Tape, tensor: Tensor) =>
  tape.push({ outputs: [], backward: () => clear(tape, tape.gradientOf(tensor).gradient) });

// Tiles divide it: the product's kernel writes SwiGLU too.
const fused: Case = {
  inputs: { x: half(input([128, 32], 1)), w: half(input([128, 32], 2)) },
  build: (tape, { x, w }) => gatedLinear(tape, x, [w], "ffn in", "silu"),
  reference: ({ x, w }) => {
    const gateUp = new Float64Array(128 * 128);
    for (let i = 0; i < 128; i++)
      for (let j = 0; j < 128; j++) for (let k = 0; k < 32; k++) gateUp[i * 128 + j] += x[i * 32 + k] * w[j * 32 + k];
    return gated(norms.silu, gateUp, 64);
  },
};

const rows = 37;
const widths = [24, 7];
const cases: Record<string, Case> = { "SwiGLU of a product": fused };
for (const d of widths) {
  cases[`rmsNorm of ${d}, of f32 into f16`] = {
    inputs: { x: input([rows, d], 1), w: input([d], 2), unused: half(input([4], 3)) },
    build: (tape, { x, w }) => rmsNorm(tape, x, w, 1e-5),
    reference: ({ x, w }) => norms.rmsNorm(x, w, 1e-5),
    gradients: ["x", "w"],
  };
  cases[`gatedRmsNorm of ${d}`] = {
    inputs: { y: half(input([rows, d], 1)), z: half(input([rows, d], 2)), w: input([d], 3) },
    build: (tape, { y, z, w }) => gatedRmsNorm(tape, y, z, w, { eps: 1e-5, zColumn: 0, groups: 1 }),
    reference: ({ y, z, w }) => norms.gatedRmsNorm(y, z, w, { eps: 1e-5, zColumn: 0, columns: d, groups: 1 }),
  };
  cases[`gate of ${d}`] = {
    inputs: { y: half(input([rows, d], 1)), z: half(input([rows, d], 2)) },
    build: (tape, { y, z }) => gate(tape, y, z, { zColumn: 0 }),
    reference: ({ y, z }) => norms.gate(y, z, { width: d, zColumn: 0, columns: d }),
  };
  cases[`swiglu of ${d}`] = {
    inputs: { x: half(input([rows, 2 * d], 1)) },
    build: (tape, { x }) => swiglu(tape, x),
    reference: ({ x }) => gated(norms.silu, x, d),
  };
  cases[`convSilu of ${d}`] = {
    inputs: { x: half(input([rows, d + 1], 1, 2)), w: input([d, 1, 4], 2), b: input([d], 3) },
    build: (tape, { x, w, b }) => {
      const y = convSilu(tape, x, w, b, { batch: 1, length: rows, column: 1, channels: d, width: 4 });
      zeroFirst(tape, x);
      return y;
    },
    reference: ({ x, w, b }) =>
      convSiluReference(x, w, b, { batch: 1, length: rows, columns: d + 1, column: 1, channels: d, width: 4 }),
  };
  cases[`concatColumns and scaleColumns of ${d}`] = {
    inputs: { a: half(input([rows, d], 1)), b: half(input([rows, 2 * d], 2)) },
    build: (tape, { a, b }) => scaleColumns(tape, concatColumns(tape, [a, b]), [{ column: 0, width: d, factor: 3 }]),
    reference: ({ a, b }) =>
      reference
        .concatColumns([
          { values: a, width: d },
          { values: b, width: 2 * d },
        ])
        .map((value, i) => (i % (3 * d) < d ? 3 * value : value)),
  };
  cases[`linear of ${d}, with an f32 residual`] = {
    inputs: { x: half(input([rows, d], 1)), w: input([2 * d, d], 2), residual: input([rows, 2 * d], 3) },
    build: (tape, { x, w, residual }) => linear(tape, x, [w], "out", residual),
    reference: ({ x, w, residual }) =>
      residual.map((value, i) => {
        const [r, c] = [Math.floor(i / (2 * d)), i % (2 * d)];
        let sum = value;
        for (let k = 0; k < d; k++) sum += x[r * d + k] * w[c * d + k];
        return sum;
      }),
    gradients: ["x", "w"],
  };
}
for (const [batch, length, heads, headDim, state, groups] of [
  [2, 21, 3, 4, 8, 1],
  [1, 130, 2, 32, 64, 1],
  [2, 70, 4, 16, 32, 2],
]) {
  const o = { batch, length, heads, headDim, state, groups, chunk: 64, dtColumn: 1, dtColumns: heads + 2 };
  cases[`ssd B${batch}-T${length}-H${heads}-P${headDim}-N${state}-G${groups}`] = {
    inputs: {
      xBC: half(input([batch * length, heads * headDim + 2 * groups * state], 1)),
      dt: half(input([batch * length, o.dtColumns], 2)),
      bias: input([heads], 3, 0.5, -2),
      a: input([heads], 4, 0.5, -0.5),
      d: input([heads], 5),
    },
    build: (tape, { xBC, dt, bias, a, d }) => {
      const y = ssd(tape, xBC, dt, bias, a, d, o);
      zeroFirst(tape, dt);
      return y;
    },
    reference: ({ xBC, dt, bias, a, d }) => ssdReference(xBC, dt, bias, a, d, o).y,
  };
}

describe("kept in f16, agrees with float64 to f16's eleven bits, forward and backward", () => {
  for (const form of ["software", "hardware"] as const) {
    for (const [name, { build, ...rest }] of Object.entries(cases)) {
      it(`${name}, in the ${form} form`, async ({ skip }) => {
        const { gpu } = holder;
        if (!gpu.has("shader-f16")) skip("this adapter has no f16");
        const as = form === "hardware" ? asHardware(gpu) : gpu;
        const kept: string[] = [];
        await checkOp(as, {
          ...rest,
          build: (tape, tensors) => {
            const y = build(tape, tensors);
            kept.push(y.type ?? "f32");
            return y;
          },
          samples: 24,
          tolerance: 2e-3,
          gradientTolerance: 6e-3,
        });
        expect(kept).toEqual([name.includes("residual") ? "f32" : "f16"]);
      });
    }
  }
});

describe("SwiGLU of a product", () => {
  /** All that comes of it, forward and backward, by its bits. */
  async function results(recompute: Recompute, fused: boolean, size: number): Promise<number[][]> {
    const gpu = asHardware(holder.gpu);
    const given = (shape: number[], seed: number, scale = (_: number) => 1) => {
      const values = random(shape, seed).map((value, i) => value * scale(i));
      return tensorFrom(gpu, shape, "given", half({ shape, values }).values, "f16");
    };
    const x = given([128, 32], 1);
    // Rows of the gate, then of up.
    const w = given([128, 32], 2, (i) => (i < 64 * 32 ? size : 1));
    const out = given([32, 64], 3);
    const gradients = new Map([x, w, out].map((of) => [of, tensorFrom(gpu, of.shape, "d", undefined, "f16")]));
    const recorder = new Recorder(gpu, "mixed");
    const arena = new Arena(gpu);
    const tape = new Tape(recorder, arena, true, { gradientOf: (of) => gradients.get(of) }, recompute);
    const inner = tensorFrom(gpu, [128, 64], "inner", undefined, "f16");
    const y = tape.scope(undefined, () => {
      const active = fused ? gatedLinear(tape, x, [w], "ffn in", "silu") : swiglu(tape, linear(tape, x, [w], "ffn in"));
      recorder.copy(active, inner);
      return linear(tape, active, [out], "ffn out");
    });
    recorder.copy(given([128, 32], 4), tape.gradientOf(y).gradient);
    tape.backward();
    recorder.submit();
    const all: number[][] = [];
    for (const tensor of [inner, ...gradients.values()]) all.push(Array.from(await download(gpu, tensor)));
    arena.destroy();
    return all;
  }

  // The second is one of gates that are no normal numbers in f16.
  for (const size of [1, 2 ** -14]) {
    it(`has the bits of the two, and keeps them when computed again: gate ${size}`, async ({ skip }) => {
      if (!holder.gpu.has("shader-f16")) skip("this adapter has no f16");
      const expected = await results("none", false, size);
      expect(expected.flat().every(Number.isFinite)).toBe(true);
      for (const recompute of ["none", "light", "layer"] as const) {
        expect(await results(recompute, true, size)).toEqual(expected);
      }
    });
  }
});
