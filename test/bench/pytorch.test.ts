import { readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { namedModels } from "../../src/bench/models.js";
import { productRates } from "../../src/bench/products.js";
import { Pytorch } from "../../src/bench/pytorch.node.js";
import { pytorchModel } from "../../src/bench/pytorch-model.js";
import { pytorchStep } from "../../src/bench/pytorch-step.generated.js";
import { ratiosOf, stepRates } from "../../src/bench/steps.js";
import { useFolder } from "../gpu/child.js";
import { tinyConfig } from "../model/fixtures.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();
const folder = useFolder();
const log = join(folder, "log");
const fake = resolve(import.meta.dirname, "fake-pytorch.mjs");
const model = { name: "tiny", config: tinyConfig("T") };
const batch = { sequences: 2, length: 16 };
const rounds = { repeats: 2, seconds: 0.01 };
let pytorch: Pytorch | undefined;

const requests = () => readFileSync(log, "utf8").trim().split("\n");
beforeEach(() => {
  process.env.FAKE_PYTORCH_LOG = log;
});
afterEach(() => {
  pytorch?.close();
  pytorch = undefined;
  rmSync(log, { force: true });
  delete process.env.FAKE_PYTORCH;
  delete process.env.FAKE_PYTORCH_LOG;
});

async function start(behaviour: object = {}): Promise<Pytorch> {
  process.env.FAKE_PYTORCH = JSON.stringify(behaviour);
  pytorch = await Pytorch.start({ mamba: "folder", python: fake, device: "cuda" });
  return pytorch;
}

/** Times the tiny model against the fake. */
async function race(behaviour: object = {}, modes = ["fp32", "bf16"]) {
  const failed: string[] = [];
  const rival = {
    pytorch: await start(behaviour),
    modes,
    onFailure: (name: string, why: string) => failed.push(`${name}: ${why}`),
  };
  return { failed, rates: await stepRates(holder.gpu, model, batch, { precisions: ["f32"], rival, ...rounds }) };
}

describe("PyTorch beside braid", () => {
  it("takes turns with it on models that stay ready", async () => {
    const { rates, failed } = await race();
    expect(pytorch!.description).toBe("PyTorch 0.0 on a fake");
    expect(failed).toEqual([]);
    const turn = ["burst pytorch fp32", "burst pytorch bf16"];
    expect(requests()).toEqual([
      "start folder cuda",
      "step pytorch fp32",
      "step pytorch bf16",
      ...turn,
      ...turn,
      "release",
    ]);
    expect(rates.map(({ engine }) => engine)).toEqual(["braid f32", "pytorch fp32", "pytorch bf16"]);
    const [own, , bf16] = rates;
    expect(own).toMatchObject({
      model: "tiny",
      pattern: "T",
      sequences: 2,
      length: 16,
      dispatches: expect.any(Number),
    });
    // Four steps of 32 tokens in 0.01 s.
    expect(bf16.tokensPerSecond).toBeCloseTo((4 * 32) / 0.01, 6);
    expect(bf16).toMatchObject({ peakBytes: 2 ** 21, dispatches: null, parameters: own.parameters });
    expect(ratiosOf(rates)).toEqual([
      {
        model: "tiny",
        engine: "braid f32",
        against: "pytorch fp32",
        best: false,
        speed: own.tokensPerSecond / ((4 * 32) / 0.02),
        memory: own.peakBytes! / 2 ** 21,
      },
      {
        model: "tiny",
        engine: "braid f32",
        against: "pytorch bf16",
        best: true,
        speed: own.tokensPerSecond / ((4 * 32) / 0.01),
        memory: own.peakBytes! / 2 ** 21,
      },
    ]);
  });

  it("does so with its products", async () => {
    const rates = await productRates(holder.gpu, await start(), [64], "f32", rounds);
    expect(rates.map(({ engine, size, ratio }) => [engine, size, ratio === null])).toEqual([
      ["braid f32", 64, true],
      ["pytorch fp32", 64, false],
      ["pytorch tf32", 64, false],
    ]);
    expect(rates[1].ratio).toBeCloseTo(rates[0].gflops / rates[1].gflops, 9);
    expect(requests().filter((line) => line === "burst pytorch tf32")).toHaveLength(2);
  });

  it("is timed in the modes that work", async () => {
    const { rates, failed } = await race({ failing: ["fp32"] });
    expect(failed).toEqual(["tiny, pytorch fp32: PyTorch: RuntimeError: no fp32 here"]);
    expect(rates.map(({ engine }) => engine)).toEqual(["braid f32", "pytorch bf16"]);
    await expect(race({ failing: ["fp32", "bf16"] })).rejects.toThrow(
      "No mode of PyTorch could train tiny; nothing was timed.",
    );
  });

  it.each([
    [{ parameters: 7 }, /tiny has 7 parameters in PyTorch, but \d+ in braid; nothing was timed\./],
    [{ losses: [5, 6] }, /The losses of tiny in pytorch fp32 do not fall/],
    [{ hello: { failed: "PyTorch 2.11 finds no CUDA GPU" } }, /^PyTorch: PyTorch 2\.11 finds no CUDA GPU$/],
    [{ dieOn: "burst" }, /^PyTorch's side ended with exit code 3: Segmentation fault of a fake$/],
    [{ garbageOn: "burst" }, /^PyTorch's side printed something else than an answer: Warning: something$/],
  ])("is not believed when it is %j", async (behaviour, message) => {
    await expect(race(behaviour)).rejects.toThrow(message);
  });

  it("is missed where there is no such program", async () => {
    const missing = Pytorch.start({ mamba: "folder", python: join(folder, "nowhere"), device: "cuda" });
    await expect(missing).rejects.toThrow(/^PyTorch's side could not be started: spawn .*nowhere ENOENT\.$/);
  });
});

describe("what PyTorch is told of a model", () => {
  it("is all that its layers need", () => {
    const [inter, mamba] = namedModels("nano", "inter,mamba");
    expect(pytorchModel(inter, batch)).toEqual({
      ...{ pattern: "MMMTMMMTMMMMM", vocabSize: 256, dModel: 128, dFfn: 512, sequences: 2, length: 16 },
      ...{ heads: 4, kvHeads: 2, headDim: 32, theta: 500_000, dSsm: 256, ssmHeadDim: 32, dState: 64, conv: 4 },
    });
    expect(pytorchModel(mamba, batch)).not.toHaveProperty("heads");
    expect(() => pytorchModel(namedModels("nano", "MMH")[0], batch)).toThrow(
      "--pytorch: PyTorch's side has layers of T (attention) and M (Mamba-2) only, but MMH is MMH.",
    );
  });
});

describe("the script", () => {
  it("is embedded as it is", () => {
    expect(pytorchStep).toBe(readFileSync(resolve(import.meta.dirname, "../../src/bench/pytorch_step.py"), "utf8"));
  });

  // BRAID_PYTHON names a Python with PyTorch.
  it.runIf(process.env.BRAID_PYTHON)(
    "trains the same model in PyTorch, on the processor",
    { timeout: 120_000 },
    async () => {
      pytorch = await Pytorch.start({ mamba: "none", python: process.env.BRAID_PYTHON!, device: "cpu" });
      const onFailure = (_: string, reason: string) => expect.fail(reason);
      const rival = { pytorch, modes: ["fp32", "bf16"], onFailure };
      const rates = await stepRates(holder.gpu, model, batch, { precisions: ["f32"], rival, ...rounds });
      expect(rates).toHaveLength(3);
      const products = await productRates(holder.gpu, pytorch, [64], "f32", rounds);
      for (const { error } of products) expect(error).toBeLessThan(1e-5);
    },
  );
});
