import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { download } from "../../src/gpu/arena.js";
import { runId } from "../../src/runs/identity.js";
import { CheckpointFolder } from "../../src/train/checkpoint.node.js";
import type { TrainProgress } from "../../src/train/progress.js";
import { rateFactor, stepsOf, trapezoid } from "../../src/train/schedule.js";
import { Stopped, type TrainOptions, train } from "../../src/train/trainer.js";
import { trunkOf, trunkSteps } from "../../src/train/trunk.js";
import type { TrainSpec } from "../../src/train/types.js";
import { tinyDataset, tinySpec } from "../model/fixtures.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();
const folder = mkdtempSync(join(tmpdir(), "braid-trunk-"));
afterAll(() => rmSync(folder, { recursive: true }));

const shorter = tinySpec("MT", 10);
/** A run of other length with the warm-up of the shorter one. */
const lengthened = (steps: number): TrainSpec => ({
  ...tinySpec("MT", steps),
  schedule: { ...shorter.schedule, warmupOf: shorter.tokens },
});
const longer = lengthened(15);
const everyThird = { tokens: shorter.validation.tokens, every: 3 };

async function trained(spec: TrainSpec, options: TrainOptions = {}) {
  let weights: number[] = [];
  const result = await train(holder.gpu, spec, tinyDataset(), {
    ...options,
    onFinish: async (step) => {
      weights = Array.from(await download(holder.gpu, step.parameters.values));
    },
  });
  const { validation, trainLoss, curve, shared } = result;
  return { weights, outcome: { validation, trainLoss, curve }, shared };
}

describe("the schedule", () => {
  it("is the trapezoid of its own length, or rises as that of the run that is named", () => {
    const own = Array.from({ length: 10 }, (_, step) => rateFactor(shorter)(step));
    expect(own).toEqual(own.map((_, step) => trapezoid(step, 10, shorter.schedule)));
    const long = Array.from({ length: 15 }, (_, step) => rateFactor(longer)(step));
    expect(long.slice(0, trunkSteps(shorter))).toEqual(own.slice(0, trunkSteps(shorter)));
    expect(own[trunkSteps(shorter)], "then the shorter one cools down").toBeLessThan(1);
    expect(long[trunkSteps(shorter)]).toBe(1);
    expect(long.at(-1)).toBeCloseTo(1 / 3, 12);
    expect(stepsOf(longer)).toBe(15);
  });
});

describe("runs that differ in length alone", () => {
  it("have one trunk; other seeds, rates and warm-ups have others", () => {
    const name = (spec: TrainSpec) => runId(trunkOf(spec));
    expect(name(longer)).toBe(name(shorter));
    expect(name({ ...longer, seed: 6 })).not.toBe(name(shorter));
    expect(name({ ...longer, optimizer: { ...longer.optimizer, lr: 1e-3 } })).not.toBe(name(shorter));
    expect(name(tinySpec("MT", 15)), "a warm-up of its own").not.toBe(name(shorter));
  });

  it("go on from the trunk with the bits that they have alone, curve included", async () => {
    const trunk = new CheckpointFolder(join(folder, "trunk"), trunkOf(shorter));
    const [alone, before] = [await trained(longer), await trained(shorter, { trunk })];
    expect(before.shared).toBeUndefined();
    expect((await trunk.load())?.step).toBe(trunkSteps(shorter));
    const after = await trained(longer, { trunk });
    expect(after.shared).toBe(trunkSteps(shorter));
    expect(after.weights).toEqual(alone.weights);
    expect(after.outcome).toEqual(alone.outcome);
    // Now the trunk reaches further than the shorter run may take it over.
    expect((await trunk.load())?.step).toBe(trunkSteps(longer));
    const again = await trained(shorter, { trunk: new CheckpointFolder(join(folder, "trunk"), trunkOf(shorter)) });
    expect(again.shared).toBeUndefined();
    expect(again.weights).toEqual(before.weights);
  });

  it("share a beginning that was stopped in its validation", async () => {
    const [short, long] = [shorter, longer].map((spec) => ({ ...spec, validation: everyThird }));
    const end = trunkSteps(short);
    expect(end % 3, "the beginning ends with a validation").toBe(0);
    const trunk = new CheckpointFolder(join(folder, "stopped-trunk"), trunkOf(short));
    const checkpoints = new CheckpointFolder(join(folder, "stopped"), short);
    const controller = new AbortController();
    const onProgress = ({ step, validating }: TrainProgress) =>
      step === end && validating !== undefined && controller.abort();
    await expect(trained(short, { trunk, checkpoints, signal: controller.signal, onProgress })).rejects.toThrow(
      Stopped,
    );
    expect(await trunk.load(), "not validated yet").toBeUndefined();
    await trained(short, { trunk, checkpoints });
    expect((await trunk.load())?.step).toBe(end);
    const [alone, after] = [await trained(long), await trained(long, { trunk })];
    expect(after.shared).toBe(end);
    expect(after.weights).toEqual(alone.weights);
    expect(after.outcome).toEqual(alone.outcome);
  });

  it("have their own curves where the shorter one never cools down and was validated at its end", async () => {
    const level = { ...shorter.schedule, cooldown: 0 };
    const short = { ...shorter, validation: everyThird, schedule: level };
    const long = { ...longer, validation: everyThird, schedule: { ...level, warmupOf: short.tokens } };
    expect(trunkSteps(short)).toBe(10);
    const trunk = new CheckpointFolder(join(folder, "level"), trunkOf(short));
    await trained(short, { trunk });
    const [alone, after] = [await trained(long), await trained(long, { trunk })];
    expect(after.shared).toBe(10);
    expect(after.outcome).toEqual(alone.outcome);
  });

  it("keep no trunk of another run", async () => {
    const other = { ...shorter, seed: 6 };
    await expect(
      trained(other, { trunk: new CheckpointFolder(join(folder, "trunk"), trunkOf(other)) }),
    ).rejects.toThrow("belongs to another run: seed was 5 and is now 6");
  });
});
