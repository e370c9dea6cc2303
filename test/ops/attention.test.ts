import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import type { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { type AttentionOptions, attention, attentionWeights } from "../../src/ops/attention.js";
import { Tape } from "../../src/ops/tape.js";
import { referenceAttention, referenceAttentionGradient, referenceAttentionWeights } from "../reference/attention.js";
import { ends, parse } from "./attention-shapes.js";
import { checkOp, expectClose, type Inputs, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

const inputsFor = (options: AttentionOptions, size: number) => ({
  qkv: input([options.batch * options.length, ends(options)[2]], 5, size),
});

const runAttention = (gpu: Gpu, options: AttentionOptions, inputs: Inputs) =>
  runOp(
    gpu,
    inputs,
    (tape, { qkv }) => attention(tape, qkv, options),
    (shape) => random(shape, 77),
  );

describe("the reference's own gradient", () => {
  it.each(["B2-T7-H4-K2-D4", "B1-T9-H2-K1-D4-W3+2", "B1-T6-H4-K2-D12-V1x32-S0.3-R4-Llama3"])(
    "agrees with central differences and the GPU at %s",
    async (id) => {
      const options = parse(id);
      await checkOp(holder.gpu, {
        inputs: inputsFor(options, 1.5),
        build: (tape, { qkv }) => attention(tape, qkv, options),
        reference: ({ qkv }) => referenceAttention(qkv, options),
        samples: 1000,
      });
      const qkv = Float64Array.from(inputsFor(options, 1.5).qkv.values);
      const upstream = random([referenceAttention(qkv, options).length], 77);
      const loss = () => referenceAttention(qkv, options).reduce((sum, value, i) => sum + value * upstream[i], 0);
      const differences = Array.from(qkv, (value, i) => {
        qkv[i] = value + 1e-5;
        const above = loss();
        qkv[i] = value - 1e-5;
        const below = loss();
        qkv[i] = value;
        return (above - below) / 2e-5;
      });
      expectClose("gradient", referenceAttentionGradient(qkv, upstream, options), differences, 1e-8);
    },
  );
});

/** Real GPUs get tiled kernels, which have to be right everywhere. */
function variant(kind: "tiled" | "direct"): Gpu {
  const { gpu } = holder;
  return Object.create(gpu, { info: { value: { ...gpu.info, software: kind === "direct" } } });
}

// The direct kernels take heads up to 64, but those take ten seconds to compile, and differ in the length of sums alone.
const quickDirect = (id: string) => Math.max(parse(id).headDim, parse(id).valueDim ?? 0) < 64;

// Every head size is compiled anew, which takes a software adapter seconds: few sizes, many shapes.
const shapes = [
  "B1-T1-H1-K1-D4",
  "B2-T37-H4-K2-D32",
  "B1-T70-H6-K3-D32",
  "B1-T64-H2-K2-D4",
  "B1-T65-H1-K1-D32",
  "B3-T33-H3-K1-D4",
  "B1-T70-H2-K1-D36-NoPE",
  "B2-T130-H4-K4-D4",
  "B1-T200-H2-K1-D32",
  "B1-T129-H2-K1-D64",
  "B1-T131-H1-K1-D128",
  "B1-T66-H4-K1-D32-W20+0",
  "B1-T300-H2-K1-D4-W64+3",
  "B1-T260-H2-K2-D32-W32+40",
  "B1-T200-H1-K1-D4-W1+0",
  "B1-T200-H1-K1-D4-W1+1-NoPE",
  "B2-T50-H2-K1-D4-W1000+10",
  "B1-T150-H1-K1-D32-W70+200",
  "B2-T37-H4-K4-D12-V2x32-W9+2",
  "B1-T70-H4-K2-D12-V1x32-R4-Llama3",
  "B1-T75-H2-K1-D160-W30+3",
  "B1-T67-H2-K2-D64-V1x256-NoPE",
  "B1-T66-H1-K1-D132-V1x12-S0.0625",
];
const shapesFor = {
  direct: [...shapes.filter(quickDirect), "B2-T21-H8-K4-D32-V2x4-S0.3-R16"],
  // Software adapters too get these for heads above 64.
  tiled: shapes,
};

const references = new Map<string, { output: Float64Array; gradient: Float64Array }>();
/** The reference of a shape, which both kinds of kernels are compared with. */
function referenceFor(id: string, inputs: Inputs) {
  const known = references.get(id);
  if (known) return known;
  const options = parse(id);
  const exact = Float64Array.from(inputs.qkv.values);
  const output = referenceAttention(exact, options);
  const upstream = random([output.length], 77);
  const made = { output, gradient: referenceAttentionGradient(exact, upstream, options) };
  references.set(id, made);
  return made;
}

describe.each(["direct", "tiled"] as const)(
  "attention (%s) agrees with float64, forward and every gradient",
  (kind) => {
    it.each(shapesFor[kind])("%s", async (id) => {
      const options = parse(id);
      const inputs = inputsFor(options, 2);
      const { output, gradients } = await runAttention(variant(kind), options, inputs);
      const exact = referenceFor(id, inputs);
      expectClose("output", output, exact.output, 1e-5);
      const width = inputs.qkv.shape[1];
      // Queries, keys and values apart: the gradients of one may be far smaller than those of another.
      const bounds = [0, ...ends(options)];
      for (const [part, name] of ["dq", "dk", "dv"].entries()) {
        const inPart = (_: number, i: number) => i % width >= bounds[part] && i % width < bounds[part + 1];
        expectClose(name, gradients.qkv.filter(inPart), exact.gradient.filter(inPart), 3e-5);
      }
    });

    it("with scores in the hundreds", async () => {
      const options = parse("B1-T80-H2-K1-D32");
      const inputs = inputsFor(options, 20);
      const { output, gradients } = await runAttention(variant(kind), options, inputs);
      expectClose("output", output, referenceAttention(Float64Array.from(inputs.qkv.values), options), 1e-4);
      expect(gradients.qkv.every(Number.isFinite)).toBe(true);
    });

    it("gives the same bits every time", async () => {
      const options = parse("B2-T100-H4-K2-D32-W40+5");
      const run = () => runAttention(variant(kind), options, inputsFor(options, 2));
      const [first, second] = [await run(), await run()];
      expect(first.output).toEqual(second.output);
      expect(first.gradients.qkv).toEqual(second.gradients.qkv);
    });
  },
);

describe("attention weights", () => {
  it.each(["B2-T70-H4-K2-D12-V1x32-S0.5-R4", "B1-T1-H1-K1-D4", "B1-T130-H2-K1-D8-W20+3"])(
    "%s are the softmax's probabilities, zero where a key is not seen, and leave attention alone",
    async (id) => {
      const { gpu } = holder;
      const options = parse(id);
      const { qkv: values } = inputsFor(options, 2);
      const exact = Float64Array.from(values.values);
      const tape = new Tape(new Recorder(gpu), new Arena(gpu), false);
      const qkv = tensorFrom(gpu, values.shape, "qkv", values.values);
      const o = attention(tape, qkv, options);
      const weights = attentionWeights(tape, qkv, options);
      tape.recorder.submit();
      const { batch, heads, length } = options;
      expect(weights.shape).toEqual([batch, heads, length, length]);
      const found = await download(gpu, weights);
      const expected = referenceAttentionWeights(exact, options);
      expectClose("weights", found, expected, 1e-5);
      expect(found.every((weight, i) => expected[i] !== 0 || weight === 0)).toBe(true);
      expectClose("output", await download(gpu, o), referenceAttention(exact, options), 1e-5);
    },
  );
});

describe("attention refuses", () => {
  const attempt = (id: string, width: number, rows: number) => () => {
    const { gpu } = holder;
    const tape = new Tape(new Recorder(gpu), new Arena(gpu), false);
    attention(tape, tensorFrom(gpu, [rows, width], "qkv"), parse(id));
  };
  it.each([
    ["B1-T4-H2-K1-D6", 24, 4, "multiple of 4 elements up to 256, not headDim 6"],
    ["B1-T4-H1-K1-D260", 780, 4, "multiple of 4 elements up to 256, not headDim 260"],
    ["B1-T4-H1-K1-D4-V1x6", 14, 4, "multiple of 4 elements up to 256, not valueDim 6"],
    ["B1-T4-H4-K4-D8-V3x8", 88, 4, "key heads (4) must be a multiple of its value heads (3)"],
    ["B1-T4-H2-K2-D8-V1x16", 40, 4, "with 1 value heads of 16 takes rows of 48, not 40"],
    ["B1-T4-H1-K1-D8-S0", 24, 4, "scale must be a positive number, not 0"],
    ["B1-T4-H1-K1-D8-R6", 24, 4, "rope.dim must be a multiple of 4 up to headDim (8), not 6"],
    ["B1-T4-H3-K2-D8", 56, 4, "heads (3) must be a multiple of key-value heads (2)"],
    ["B1-T4-H2-K1-D8", 30, 4, "takes rows of 32, not 30"],
    ["B2-T4-H2-K1-D8", 32, 4, "2 sequences of 4 takes 8 rows, not 4"],
    ["B1-T4-H2-K1-D8-W0+0", 32, 4, "size >= 1"],
  ])("%s with rows of %i", (id, width, rows, message) => {
    expect(attempt(id, width, rows)).toThrow(message);
  });
});
