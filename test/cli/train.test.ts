import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const cli = new URL("../../dist/cli/main.js", import.meta.url).pathname;
let folder: string;
let config: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "braid-train-"));
  config = join(folder, "config.json");
  const rope = { theta: 10_000 };
  const ssm = {
    dSsm: 32,
    headDim: 16,
    dState: 8,
    groups: 1,
    conv: 4,
    chunk: 16,
    aRange: [0.01, 2],
    dtRange: [0.001, 0.1],
  };
  writeFileSync(
    config,
    JSON.stringify({
      vocabSize: 256,
      dModel: 16,
      pattern: "MT",
      ffn: { kind: "swiglu", dFfn: 32 },
      attention: { heads: 2, kvHeads: 1, headDim: 8, rope },
      ssm,
      tieEmbeddings: true,
      normEps: 1e-5,
    }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function braid(...options: string[]): {
  child: ChildProcess;
  ended: Promise<{ code: number | null; out: string; err: string }>;
} {
  const child = spawn(process.execPath, [cli, ...options], { stdio: ["ignore", "pipe", "pipe"] });
  const text = { out: "", err: "" };
  child.stdout!.on("data", (chunk) => {
    text.out += chunk;
  });
  child.stderr!.on("data", (chunk) => {
    text.err += chunk;
  });
  return { child, ended: new Promise((resolve) => child.on("close", (code) => resolve({ code, ...text }))) };
}

const steps = 40;
const options = (out: string) => [
  ...[
    "train",
    "--config",
    config,
    "--data",
    "synthetic",
    "--tokens",
    String(steps * 64),
    "--batch",
    "2",
    "--length",
    "32",
  ],
  ...["--validation-tokens", "256", "--checkpoint-every", "4", "--seed", "3", "--out", out],
];
const weights = (out: string) =>
  createHash("sha256")
    .update(readFileSync(join(out, "model.safetensors")))
    .digest("hex");

describe("braid train", () => {
  it("gives the same bits when it is killed on the way and started again", async () => {
    const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];
    const first = await braid(...options(whole)).ended;
    expect(first.err).not.toMatch(/braid:/);
    expect(first.code).toBe(0);
    expect(first.out).toMatch(/nats a token/);
    const run = braid(...options(killed));
    const checkpoints = join(killed, "checkpoints");
    // Killed with SIGKILL as soon as a checkpoint is there: nothing can be put in order.
    const watch = setInterval(() => {
      if (existsSync(checkpoints) && readdirSync(checkpoints).some((name) => /^step-\d+$/.test(name)))
        run.child.kill("SIGKILL");
    }, 5);
    const { code } = await run.ended;
    clearInterval(watch);
    expect(code, "the run was killed before it ended").toBe(null);
    expect(existsSync(join(killed, "model.safetensors"))).toBe(false);
    expect((await braid(...options(killed)).ended).code).toBe(0);
    expect(weights(killed)).toBe(weights(whole));
    const losses = (out: string) => JSON.parse(readFileSync(join(out, "result.json"), "utf8")).result.curve;
    expect(losses(killed)).toEqual(losses(whole));
  });

  it("stops after the step under way when interrupted, and says how to go on", async () => {
    const out = join(folder, "interrupted");
    const run = braid(...options(out));
    // Once: a second interrupt would end the process on the spot.
    const watch = setInterval(() => {
      if (existsSync(join(out, "checkpoints")) && run.child.kill("SIGINT")) clearInterval(watch);
    }, 5);
    const { code, err } = await run.ended;
    expect(code).toBe(1);
    expect(err).toMatch(/stopped at step \d+ of 40\. Run the same command to go on\./);
  });

  it("trains a run again from its record, the length of its synthetic text included", async () => {
    const [whole, again] = [join(folder, "whole"), join(folder, "again")];
    const spec = ["train", "--spec", join(whole, "result.json"), "--data", "synthetic"];
    const { code, out, err } = await braid(...spec, "--out", again).ended;
    expect(err).not.toMatch(/braid:/);
    expect(code).toBe(0);
    expect(weights(again)).toBe(weights(whole));
    expect(out).toMatch(/\nThe recorded losses to the last bit: validation and \d+ points of the curve\.\n$/);
    // A record made before the name said how long the text was: its checksum tells.
    const record = JSON.parse(readFileSync(join(whole, "result.json"), "utf8"));
    const older = join(folder, "older.json");
    writeFileSync(
      older,
      JSON.stringify({ spec: { ...record.spec, data: { ...record.spec.data, name: "synthetic" } } }),
    );
    expect((await braid("train", "--spec", older, "--data", "synthetic").ended).code).toBe(0);
    const refused = await braid(...spec, "--validate-every", "3", "--seed", "4").ended;
    expect(refused.err).toMatch(/--seed: the run of --spec says it; leave out one of them/);
    expect(refused.code).toBe(1);
    const broken = join(folder, "broken.json");
    writeFileSync(broken, JSON.stringify({ spec: { ...record.spec, optimizer: undefined } }));
    expect((await braid("train", "--spec", broken).ended).err).toMatch(/broken\.json: spec\.optimizer: /);
  });

  it.each([
    [["--size", "giant"], /size: "giant" is not known; sizes are nano, micro, mini/],
    [["--pattern", "MXM"], /pattern.*X/],
    [["--tokens", "many"], /--tokens.*It must be a number above 0/],
    [["--data", "nowhere.txt"], /nowhere\.txt/],
    [["--config", "package.json"], /package\.json: vocabSize: missing/],
    [["--pattern", "MT", "--config", "package.json"], /--pattern: --config describes the model; leave out one of them/],
    [["--experts", "--spec", "package.json"], /--experts: --spec describes the model/],
    [["--warmup", "0.9", "--cooldown", "0.9"], /--warmup 0.9 and --cooldown 0.9 are more than the whole run/],
    [["--data", "test"], /data file test is a folder/],
  ])("says in one line what is wrong with %s", async (wrong, message) => {
    const { code, out, err } = await braid("train", "--tokens", "1000", ...wrong).ended;
    expect(code).not.toBe(0);
    expect(out).toBe("");
    expect(err.trim().split("\n").length).toBeLessThanOrEqual(2);
    expect(err).toMatch(message);
  });
});
