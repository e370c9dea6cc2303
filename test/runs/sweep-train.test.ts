import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { openDataset } from "../../src/data/node.js";
import { blockRatio } from "../../src/findings/block-ratio.js";
import { describeData } from "../../src/findings/finding.js";
import { obtainRuns } from "../../src/findings/obtain.node.js";
import { smokeData } from "../../src/findings/protocol.js";
import { planStudy } from "../../src/findings/study.js";
import { readJsonl } from "../../src/runs/jsonl.js";
import type { PlannedRun } from "../../src/runs/types.js";
import { trunkSteps } from "../../src/train/trunk.js";
import type { TrainResult } from "../../src/train/types.js";
import { expectGolden } from "../findings/golden.js";

const cli = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "braid-sweep-train-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("braid sweep trains in worker processes what a notebook trains in its own, to the bit", async () => {
  const out = join(folder, "runs.jsonl");
  const braid = () => {
    const args = [
      "sweep",
      "--study",
      "block-ratio",
      "--scale",
      "smoke",
      "--labels",
      "1:1",
      "--jobs",
      "2",
      "--out",
      out,
    ];
    return spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });
  };
  const first = braid();
  expect(first.stderr).toContain(`2 runs trained, 0 failed, 0 left -> ${out}`);
  expect(first.status).toBe(0);
  const swept = readJsonl(out).runs.sort((a, b) => a.spec.seed - b.spec.seed);
  expect(swept.map(({ label, spec }) => `${label}/${spec.seed}`)).toEqual(["1:1/0", "1:1/1"]);
  expect(swept[0].provenance).toMatchObject({ node: process.version });

  // Adapters round differently, and eight steps let that grow; a mistake in a kernel moves losses by far more.
  const losses = swept.map(({ label, spec, result }) => ({
    label,
    seed: spec.seed,
    trainLoss: result.trainLoss,
    nllPerToken: result.validation.nllPerToken,
    nllPerByte: result.validation.nllPerByte,
  }));
  expectGolden("smoke-training", losses, 0.002);

  expect(braid().stderr).toContain("2 runs, 2 of them finished before");

  const labels: string[] = [];
  const runs = await obtainRuns(blockRatio, {
    scale: "smoke",
    labels: ["1:1"],
    seeds: [1],
    onProgress: ({ label }) => labels.push(label ?? ""),
  });
  const here = runs.get("block-ratio")!;
  expect(here[0].id).toBe(swept[1].id);
  expect(here[0].result.validation).toEqual(swept[1].result.validation);
  expect(here[0].result.trainLoss).toBe(swept[1].result.trainLoss);
  expect(new Set(labels)).toEqual(new Set(["1:1, seed 1 (run 1 of 1)"]));
}, 180_000);

test.runIf(process.platform === "linux")(
  "a sweep whose worker and then whose parent are killed ends with the bits of one left alone",
  async () => {
    const args = (out: string) => {
      const grid = [
        "--study",
        "block-ratio",
        "--scale",
        "smoke",
        "--labels",
        "1:1",
        "--seeds",
        "0",
        "--tokens",
        "2000",
      ];
      return [cli, "sweep", ...grid, "--checkpoint-seconds", "0.001", "--out", out];
    };
    const [killed, whole] = [join(folder, "killed.jsonl"), join(folder, "whole.jsonl")];
    /** The newest checkpoint's step. */
    const step = () => {
      const folders = existsSync(`${killed}.checkpoints`) ? readdirSync(`${killed}.checkpoints`) : [];
      const names = folders.flatMap((name) => readdirSync(join(`${killed}.checkpoints`, name)));
      return Math.max(0, ...names.map((name) => Number(/^step-(\d+)$/.exec(name)?.[1] ?? 0)));
    };
    const reached = async (least: number) => {
      while (step() < least) {
        if (parent.exitCode !== null) throw new Error(`the sweep ended, with ${parent.exitCode}, before step ${least}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const parent = spawn(process.execPath, args(killed), { stdio: "ignore" });
    const ended = new Promise((resolve) => parent.on("close", resolve));
    await reached(1);
    const worker = Number(readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, "utf8").trim());
    process.kill(worker, "SIGKILL");
    await reached(step() + 1);
    parent.kill("SIGKILL");
    await ended;
    expect(existsSync(killed), "nothing has ended yet").toBe(false);

    const listed = spawnSync(process.execPath, [...args(killed), "--list"], { encoding: "utf8" });
    expect(listed.stdout).toContain("  begun on ");
    for (const out of [killed, whole]) {
      const { status, stderr } = spawnSync(process.execPath, args(out), { encoding: "utf8" });
      expect([status, stderr]).toEqual([0, expect.stringContaining("1 runs trained, 0 failed, 0 left")]);
    }
    const [a, b] = [killed, whole].map((out) => readJsonl(out).runs[0].result);
    expect([a.validation, a.trainLoss, a.curve]).toEqual([b.validation, b.trainLoss, b.curve]);
    expect(readdirSync(folder).sort()).toEqual(["killed.jsonl", "runs.jsonl", "whole.jsonl"]);
  },
  300_000,
);

/** A run of ten steps, and one of fifteen that warms up as long: the longer one can go on from where the shorter cools down. */
async function twoLengths(): Promise<[PlannedRun, PlannedRun]> {
  const data = describeData(await openDataset(smokeData));
  const plan = { size: "smoke", data, labels: ["1:1"], seeds: [0], tokens: 10 * 128 } as const;
  const [shorter] = planStudy(blockRatio.studies[0], plan);
  const schedule = { ...shorter.spec.schedule, warmupOf: shorter.spec.tokens };
  return [shorter, { ...shorter, spec: { ...shorter.spec, tokens: 15 * 128, schedule } }];
}

test("runs of two lengths that are swept by --specs share their beginning, with the bits that each has alone", async () => {
  const [shorter, longer] = await twoLengths();
  const args = (name: string, runs: PlannedRun[]) => {
    const specs = join(folder, `${name}.specs.json`);
    writeFileSync(specs, JSON.stringify(runs));
    const out = join(folder, `${name}.lengths.jsonl`);
    return { out, line: [cli, "sweep", "--specs", specs, "--scale", "smoke", "--jobs", "2", "--out", out] };
  };
  const swept = ({ out, line }: ReturnType<typeof args>, trained: number) => {
    const { status, stderr } = spawnSync(process.execPath, line, { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, expect.stringContaining(`${trained} runs trained, 0 failed, 0 left`)]);
    expect(existsSync(`${out}.checkpoints`), "nothing is left behind").toBe(false);
    return readJsonl(out).runs.map(({ result }) => result);
  };
  const bits = ({ validation, trainLoss, curve }: TrainResult) => ({ validation, trainLoss, curve });
  const alone = [shorter, longer].map((run, i) => swept(args(`alone-${i}`, [run]), 1)[0]);
  expect(alone.map(({ shared }) => shared)).toEqual([undefined, undefined]);

  // In one call: the shorter one first, whatever the order they are given in.
  const together = swept(args("together", [longer, shorter]), 2);
  expect(together.map(({ shared }) => shared)).toEqual([undefined, trunkSteps(shorter.spec)]);
  expect(together.map(bits)).toEqual(alone.map(bits));

  // In two calls: the first is stopped once the shorter one is done, and the longer one has nothing but the trunk.
  const two = args("two-calls", [shorter, longer]);
  const first = spawn(process.execPath, two.line, { stdio: "ignore" });
  const ended = new Promise((resolve) => first.on("close", resolve));
  while (!existsSync(two.out) || readJsonl(two.out).runs.length === 0) {
    if (first.exitCode !== null) throw new Error(`the first call ended, with ${first.exitCode}, before a run was done`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  first.kill("SIGINT");
  await ended;
  expect(readJsonl(two.out).runs, "the longer one is not done").toHaveLength(1);
  for (const name of readdirSync(`${two.out}.checkpoints`)) {
    if (!name.startsWith("trunk-")) rmSync(join(`${two.out}.checkpoints`, name), { recursive: true });
  }
  const after = swept(two, 1);
  expect(after.map(({ shared }) => shared)).toEqual([undefined, trunkSteps(shorter.spec)]);
  expect(after.map(bits)).toEqual(alone.map(bits));
}, 300_000);
