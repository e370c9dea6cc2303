import { describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/gpu.js";
import type { MatrixShape } from "../../src/gpu/info.js";
import type { Tensor } from "../../src/gpu/tensor.js";
import { attention } from "../../src/ops/attention.js";
import { headShape } from "../../src/ops/attention-heads.js";
import { tensorCuts, tensorKernels } from "../../src/ops/attention-tensor.js";
import type { Tape } from "../../src/ops/tape.js";
import { referenceAttention, referenceAttentionGradient } from "../reference/attention.js";
import { ends, parse } from "./attention-shapes.js";
import { asHardware, expectClose, half, type Inputs, input, runOp, useGpu } from "./harness.js";

const holder = useGpu();

const shapeOf = (id: string) => headShape(parse(id), ends(parse(id))[2]);
/** Numbers that f16 holds. */
const halves = (shape: readonly number[], seed: number, size = 1) => half(input(shape, seed, size));
const upstreamFor = (shape: readonly number[]) => halves(shape, 77).values;

function inputsFor(id: string, size: number): Inputs {
  const options = parse(id);
  return { qkv: halves([options.batch * options.length, ends(options)[2]], 5, size) };
}

/** As it is chosen on a GPU: subgroup matrices where there are such, else the tiled kernels, reading and writing halves. */
const runAttention = (gpu: Gpu, id: string, inputs: Inputs) =>
  runOp(asHardware(gpu), inputs, (tape, { qkv }) => attention(tape, qkv, parse(id)), upstreamFor);

/** Compares output and the three gradients with float64's, of the very halves that the GPU was given: f16 has eleven bits. */
async function check(gpu: Gpu, id: string, size = 2, tolerance = 2e-3): Promise<void> {
  const options = parse(id);
  const inputs = inputsFor(id, size);
  const { output, gradients } = await runAttention(gpu, id, inputs);
  const qkv = Float64Array.from(inputs.qkv.values);
  const exact = referenceAttention(qkv, options);
  expectClose("output", output, exact, tolerance);
  const gradient = referenceAttentionGradient(qkv, upstreamFor([exact.length]), options);
  const width = inputs.qkv.shape[1];
  const bounds = [0, ...ends(options)];
  for (const [part, name] of ["dq", "dk", "dv"].entries()) {
    const inPart = (_: number, i: number) => i % width >= bounds[part] && i % width < bounds[part + 1];
    expectClose(name, gradients.qkv.filter(inPart), gradient.filter(inPart), tolerance);
  }
}

// Kernels are compiled anew for every size of heads, which takes a software adapter minutes: few sizes, many shapes.
const patience = 600_000;
const shapes = [
  "B1-T1-H1-K1-D16",
  "B1-T7-H1-K1-D16",
  "B2-T65-H4-K2-D16",
  "B1-T200-H3-K1-D16-W40+5",
  "B1-T200-H1-K1-D16-W70+100-NoPE",
  "B2-T50-H2-K1-D16-W1000+10",
  "B1-T100-H1-K1-D16-W1+0",
  "B2-T70-H4-K4-D16-V2x32-S0.3-W33+2",
  "B2-T130-H4-K2-D32",
  "B1-T70-H6-K3-D32",
  "B1-T129-H2-K2-D32-R16-Llama3-W20+3",
  "B1-T65-H2-K1-D64",
  "B1-T130-H1-K1-D64",
];

/** A test for adapters with matrices, whose kernels `id` must get. */
function onMatrices(name: string, id: string, body: (gpu: Gpu) => Promise<void>): void {
  const test = async ({ skip }: { skip: (why: string) => void }) => {
    const { gpu } = holder;
    if (!gpu.info.matrices) skip("this adapter has no subgroup matrices");
    expect(tensorKernels(asHardware(gpu), shapeOf(id), 1, 1), "kernels on subgroup matrices").not.toBeNull();
    await body(gpu);
  };
  it(name, test, patience);
}

describe("attention on subgroup matrices agrees with float64, forward and every gradient", () => {
  for (const id of shapes) onMatrices(id, id, (gpu) => check(gpu, id));

  // References move here, so that sums are rescaled.
  const steep = "B1-T130-H2-K1-D16-NoPE";
  onMatrices("with scores in the tens and hundreds", steep, (gpu) => check(gpu, steep, 16, 5e-3));

  const id = "B2-T65-H4-K2-D16";
  onMatrices("gives the same bits every time", id, async (gpu) => {
    const [first, second] = [
      await runAttention(gpu, id, inputsFor(id, 2)),
      await runAttention(gpu, id, inputsFor(id, 2)),
    ];
    expect(first.output).toEqual(second.output);
    expect(first.gradients.qkv).toEqual(second.gradients.qkv);
  });

  onMatrices("lets gradients that are too large for f16 show", id, async (gpu) => {
    const build = (tape: Tape, { qkv }: Record<string, Tensor>) => attention(tape, qkv, parse(id));
    const large = (shape: readonly number[]) => halves(shape, 77, 60000).values;
    const { output, gradients } = await runOp(asHardware(gpu), inputsFor(id, 4), build, large);
    expect(output.every(Number.isFinite)).toBe(true);
    expect(gradients.qkv.every(Number.isFinite)).toBe(false);
  });
});

describe("attention in f16 without matrices that fit", () => {
  it.each(["B2-T37-H2-K1-D12", "B1-T70-H1-K1-D8-V1x20-W9+2"])("%s agrees with float64", async (id) => {
    const { gpu } = holder;
    expect(tensorKernels(asHardware(gpu), shapeOf(id), 1, 1)).toBeNull();
    if (gpu.has("shader-f16")) await check(gpu, id);
  });
});

describe("the cut for an adapter's matrices", () => {
  const hopper: MatrixShape = { m: 16, n: 16, k: 16, lanes: 32 };
  const cutsOf = (id: string, memory = 49152, matrices = hopper) => tensorCuts(matrices, memory, shapeOf(id));
  it("is the first of those preferred that divides for the matrices and fits the workgroup memory", () => {
    expect(cutsOf("B1-T1-H4-K2-D64")).toMatchObject({
      forward: { lines: 16, stages: 1, subgroups: 8 },
      query: { lines: 16, stages: 2, subgroups: 4 },
      key: { lines: 16, stages: 1, subgroups: 4 },
    });
    expect(cutsOf("B1-T1-H4-K2-D128", 32768)).toMatchObject({ forward: { subgroups: 8 }, query: { stages: 1 } });
    expect(cutsOf("B1-T1-H4-K2-D64", 49152, { m: 8, n: 8, k: 8, lanes: 64 })?.key).toMatchObject({ lines: 32 });
  });
  it("leaves heads that don't divide, or are too large, to the other kernels", () => {
    for (const id of ["D36", "D8", "D160", "D64-V1x72", "D64-V1x144"]) {
      expect(cutsOf(`B1-T1-H1-K1-${id}`)).toBeNull();
    }
    expect(cutsOf("B1-T1-H1-K1-D64", 16384)).toBeNull();
  });
});
