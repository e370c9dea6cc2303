import { describe, expect, it } from "vitest";
import type { MoeConfig } from "../../src/config/types.js";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { Recorder } from "../../src/gpu/recorder.js";
import type { Tensor } from "../../src/gpu/tensor.js";
import { mixtureOfExperts } from "../../src/model/moe.js";
import { Tape } from "../../src/ops/tape.js";
import { asHardware, checkOp, expectClose, type Inputs, input, random, runOp, useGpu } from "../ops/harness.js";
import * as reference from "../reference/moe.js";

const holder = useGpu();

const paper: MoeConfig = {
  experts: 8,
  topK: 1,
  dExpert: 16,
  dShared: 16,
  kind: "swiglu",
  router: "sigmoid",
  normalise: false,
  balance: { step: 1e-3 },
};
const variants: Record<string, MoeConfig> = {
  paper,
  jamba: { ...paper, topK: 2, dShared: 0, router: "softmax", balance: null },
  granite: { ...paper, topK: 3, router: "softmax-topk", balance: null },
  nemotron: { ...paper, topK: 2, kind: "relu2", dShared: 12, normalise: true, routedScale: 2.5 },
};
const width = 12;

function inputsOf(rows: number, { experts, dExpert, dShared, kind, balance }: MoeConfig): Inputs {
  const lines = (inner: number) => (kind === "swiglu" ? 2 * inner : inner);
  const shared: Inputs = dShared
    ? {
        gate_proj: input([dShared, width], 5),
        up_proj: input([dShared, width], 6),
        down_proj: input([width, dShared], 7),
      }
    : {};
  if (kind === "relu2") delete shared.gate_proj;
  return {
    x: input([rows, width], 1),
    router: input([experts, width], 2),
    gate_up: input([experts, lines(dExpert), width], 3),
    down: input([experts, width, dExpert], 4),
    ...shared,
    ...(balance ? { bias: input([experts], 8, 0.2) } : {}),
  };
}

/** The weights by the names that a model gives them. */
const weightOf = (t: Record<string, Tensor>) => (name: string) => {
  const names: Record<string, string> = {
    "mlp.router.weight": "router",
    "mlp.expert_bias": "bias",
    "mlp.experts.gate_up_proj": "gate_up",
    "mlp.experts.down_proj": "down",
    "mlp.shared.gate_proj.weight": "gate_proj",
    "mlp.shared.up_proj.weight": "up_proj",
    "mlp.shared.down_proj.weight": "down_proj",
  };
  return t[names[name]];
};

const exact = (t: Record<string, Float64Array>, moe: MoeConfig) =>
  reference.mixture(
    {
      x: t.x,
      router: t.router,
      in: t.gate_up,
      down: t.down,
      sharedIn: Float64Array.from([...(t.gate_proj ?? []), ...(t.up_proj ?? [])]),
      sharedDown: t.down_proj,
      bias: t.bias,
    },
    {
      experts: moe.experts,
      topK: moe.topK,
      score: moe.router,
      normalise: moe.normalise,
      scale: moe.routedScale ?? 1,
      width,
      inner: moe.dExpert,
      activation: moe.kind === "swiglu" ? "silu" : "relu2",
      shared: moe.dShared,
    },
  );

describe("mixtureOfExperts agrees with float64, forward and backward", () => {
  for (const [name, moe] of Object.entries(variants)) {
    it.each([
      [1, "software"],
      [37, "software"],
      [37, "hardware"],
    ])(`${name}-R%i, %s`, async (rows, adapter) => {
      const inputs = inputsOf(rows, moe);
      await checkOp(adapter === "hardware" ? asHardware(holder.gpu) : holder.gpu, {
        inputs,
        build: (tape, t) => mixtureOfExperts({ tape, moe, weight: weightOf(t) }, t.x),
        gradients: Object.keys(inputs).filter((name) => name !== "bias"),
        reference: (t) => exact(t, moe),
        samples: 16,
      });
    });
  }

  it("with a residual and a scale", async () => {
    const moe = variants.granite;
    const [rows, scale] = [9, 0.22];
    const inputs = { ...inputsOf(rows, moe), residual: input([rows, width], 9) };
    await checkOp(holder.gpu, {
      inputs,
      build: (tape, t) => mixtureOfExperts({ tape, moe, weight: weightOf(t), scale }, t.x, t.residual),
      // The residual's gradient is that of the output, handed over in place.
      gradients: Object.keys(inputs).filter((name) => name !== "residual"),
      reference: (t) => exact(t, moe).map((value, i) => t.residual[i] + scale * value),
      samples: 8,
    });
  });
});

/** Runs the layer once, with its weights in place of a model's. */
async function once(rows: number, training: boolean, first = 0) {
  const { gpu } = holder;
  const recorder = new Recorder(gpu);
  const arena = new Arena(gpu);
  const t: Record<string, Tensor> = {};
  const inputs = inputsOf(37, paper);
  inputs.x = { shape: [rows, width], values: inputs.x.values.slice(first * width, (first + rows) * width) };
  const gradients = new Map<Tensor, Tensor>();
  for (const [name, { shape, values }] of Object.entries(inputs)) {
    t[name] = tensorFrom(gpu, shape, name, values);
    gradients.set(t[name], tensorFrom(gpu, shape, `d ${name}`));
  }
  const tape = new Tape(recorder, arena, training, { gradientOf: (tensor) => gradients.get(tensor) });
  const after: (() => void)[] = [];
  const seen: Record<string, Tensor> = {};
  const out = tape.scope(undefined, () =>
    mixtureOfExperts(
      {
        tape,
        moe: paper,
        weight: weightOf(t),
        observe: (name, tensor) => {
          seen[name] = tensorFrom(gpu, tensor.shape, name);
          recorder.copy(tensor, seen[name]);
        },
        afterBackward: (record) => after.push(record),
      },
      t.x,
    ),
  );
  const kept = tensorFrom(gpu, out.shape, "kept");
  recorder.copy(out, kept);
  if (training) {
    recorder.copy(out, tape.gradientOf(out).gradient);
    tape.backward();
    for (const record of after) record();
  } else arena.release(out);
  recorder.submit();
  const bias = await download(gpu, t.bias);
  return { output: await download(gpu, kept), bias, before: inputs.bias.values, seen, arena };
}

describe("mixtureOfExperts", () => {
  it("moves the bias after the backward pass, and shows what the router did", async () => {
    const { bias, before, seen } = await once(37, true);
    const statistics = await download(holder.gpu, seen["router statistics"]);
    const loads = [...statistics.subarray(0, 8)];
    const chosen = [...new Uint32Array((await download(holder.gpu, seen["experts chosen"])).buffer)];
    expect(loads).toEqual(loads.map((_, e) => chosen.filter((choice) => choice === e).length));
    expect(loads.reduce((a, b) => a + b, 0)).toBe(37);
    expect(statistics[8]).toBeGreaterThan(1);
    expect(statistics[8]).toBeLessThan(Math.log(8));
    const signs = loads.map((load) => Math.sign(37 / 8 - load));
    const mean = signs.reduce((a, b) => a + b, 0) / 8;
    const expected = signs.map((sign) => 1e-3 * (sign - mean));
    const moved = bias.map((value, e) => value - before[e]);
    expectClose("movement of the bias", moved, expected, 1e-3);
  });

  it("leaves the bias as it is outside training, and all its memory free", async () => {
    const { bias, before, seen, arena } = await once(37, false);
    expect(bias).toEqual(before);
    expect(seen["router statistics"]).toBeUndefined();
    const { bytes } = arena;
    // Whatever it took can be given out again: the same layer needs nothing new.
    const tape = new Tape(new Recorder(holder.gpu), arena, false);
    const t: Record<string, Tensor> = {};
    for (const [name, { shape, values }] of Object.entries(inputsOf(37, paper))) {
      t[name] = tensorFrom(holder.gpu, shape, name, values);
    }
    tape.scope(undefined, () => mixtureOfExperts({ tape, moe: paper, weight: weightOf(t) }, t.x));
    expect(arena.bytes).toBe(bytes);
  });

  it("frees everything after a training step but what the step's readers hold", async () => {
    const { arena } = await once(37, true);
    expect(arena).toHaveProperty("live.size", 0);
  });

  it("gives a token alone what it gives it among others", async () => {
    const all = await once(37, false);
    for (const row of [0, 5, 36]) {
      const { output } = await once(1, false, row);
      expectClose(`row ${row}`, output, all.output.subarray(row * width, (row + 1) * width), 1e-6);
    }
  });

  it("gives the same bits every time", async () => {
    for (const gpu of [holder.gpu, asHardware(holder.gpu)]) {
      const run = () =>
        runOp(
          gpu,
          inputsOf(37, variants.nemotron),
          (tape, t) => mixtureOfExperts({ tape, moe: variants.nemotron, weight: weightOf(t) }, t.x),
          (shape) => random(shape, 5),
        );
      expect(await run()).toEqual(await run());
    }
  });
});
