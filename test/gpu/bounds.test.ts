import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { known } from "../../src/config/known/index.js";
import { tensorFrom } from "../../src/gpu/arena.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { receptiveField } from "../../src/inspect/receptive-field.js";
import { initialValues } from "../../src/model/initialise.js";
import { Parameters } from "../../src/model/parameters.js";
import { convert } from "../../src/ops/convert.js";
import { TrainStep } from "../../src/train/step.js";
import { tinyConfig, tinySpec } from "../model/fixtures.js";
import { asHardware } from "../ops/harness.js";

/** Bytes behind every buffer that no kernel may touch. */
const guard = 65_536;
const untouched = 0xabababab;

/** A device whose buffers have such bytes, and the labels of those in which they were written since the last time. */
class Guarded {
  readonly gpu: Gpu;
  private readonly buffers: { buffer: GPUBuffer; end: number; label: string }[] = [];

  constructor(private readonly plain: Gpu) {
    const buffer = (size: number, label: string, usage = 0) => {
      const end = Math.max(16, Math.ceil(size / 4) * 16);
      const made = plain.buffer((end + guard) / 4, label, usage);
      Object.defineProperty(made, "size", { value: end });
      Object.defineProperty(made, "destroy", { value: () => undefined });
      this.buffers.push({ buffer: made, end, label });
      plain.device.queue.writeBuffer(made, end, new Uint32Array(guard / 4).fill(untouched));
      return made;
    };
    this.gpu = Object.create(plain, { buffer: { value: buffer } });
  }

  /** Forgets the buffers that there were. */
  async written(): Promise<string[]> {
    const labels: string[] = [];
    for (const { buffer, end, label } of this.buffers.splice(0)) {
      const after = new Uint32Array(await this.plain.read(buffer, end / 4, guard / 4));
      if (after.some((word) => word !== untouched)) labels.push(label);
      destroyBuffer.call(buffer);
    }
    return labels;
  }
}
let destroyBuffer: () => void;

let gpu: Gpu;
const before = process.env.BRAID_TOGGLES;
beforeAll(async () => {
  // Without this, indices past a buffer's end are moved into it, and nothing shows. GPUs do without.
  process.env.BRAID_TOGGLES = "disable_robustness";
  gpu = await Gpu.open();
  destroyBuffer = Object.getPrototypeOf(gpu.buffer(4, "x")).destroy;
});
afterAll(() => {
  gpu?.close();
  if (before === undefined) delete process.env.BRAID_TOGGLES;
  else process.env.BRAID_TOGGLES = before;
});

const forms = [
  ["software", "f32", () => gpu],
  ["hardware", "f32", () => asHardware(gpu)],
  ["hardware", "mixed", () => asHardware(gpu)],
] as const;

describe.each(forms)("the kernels for %s in %s write within their buffers", (_, precision, form) => {
  beforeEach(({ skip }) => {
    if (precision === "mixed" && !gpu.has("shader-f16")) skip("this adapter has no f16");
  });

  it.each(["llama-3.2-1b", "mamba2-130m", "jamba-v0.1", "zamba2-1.2b", "intra-h-100m"])(
    "training %s, tiny",
    async (name) => {
      const config = known(name, { tiny: true });
      const guarded = new Guarded(form());
      const step = new TrainStep(guarded.gpu, {
        ...tinySpec("T", 1),
        ...{ config, precision, batch: { sequences: 2, length: 21 } },
      });
      step.parameters.load(initialValues(step.parameters, 1));
      const ids = Uint32Array.from({ length: 42 }, (_, i) => (i * i + 3 * i) % config.vocabSize);
      step.run({ inputs: ids, targets: ids }, 0, 1e-3);
      expect(await guarded.written()).toEqual([]);
    },
  );

  it("following gradients to the embedding alone", async () => {
    const config = tinyConfig("MTS");
    const guarded = new Guarded(form());
    const parameters = new Parameters(guarded.gpu, config, false);
    parameters.load(initialValues(parameters, 1));
    await receptiveField(
      guarded.gpu,
      parameters,
      Array.from({ length: 33 }, (_, i) => (7 * i) % 256),
    );
    expect(await guarded.written()).toEqual([]);
  });
});

it("a kernel that writes past its buffer is noticed", async () => {
  const guarded = new Guarded(gpu);
  const recorder = new Recorder(guarded.gpu);
  const values = tensorFrom(guarded.gpu, [256], "values", new Float32Array(256));
  convert(recorder, values, tensorFrom(guarded.gpu, [16], "too small"), "convert");
  recorder.submit();
  expect(await guarded.written()).toEqual(["too small"]);
});
