import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { appendJsonl, readJsonl } from "../../src/runs/jsonl.js";
import { type SweepEvent, type SweepOptions, sweep } from "../../src/runs/sweep.js";
import type { PlannedRun } from "../../src/runs/types.js";
import { fakeRecord, fakeSpec } from "./fake.js";

const bundle = join(mkdtempSync(join(tmpdir(), "braid-worker-")), "worker.mjs");
beforeAll(async () => {
  const entry = fileURLToPath(new URL("./sweep-worker.ts", import.meta.url));
  await build({
    entryPoints: [entry],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
  return () => rmSync(join(bundle, ".."), { recursive: true });
});

let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "braid-sweep-"));
  out = join(folder, "runs.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

const plan = (label: string, seed = 0): PlannedRun => ({ finding: "f", label, spec: fakeSpec(seed, 1e-3) });
const run = (runs: PlannedRun[], options: Partial<SweepOptions> = {}) =>
  sweep({ runs, out, jobs: 1, worker: [process.execPath, bundle, folder], ...options });

describe("a sweep", () => {
  test("makes every run once with several workers and appends each as it ends", async () => {
    const events: SweepEvent[] = [];
    const runs = [0, 1, 2, 3, 4].map((seed) => plan("good", seed));
    const report = await run(runs, { jobs: 2, onEvent: (event) => events.push(event) });
    expect(report).toMatchObject({ skipped: 0, failed: [], left: [] });
    expect(
      readJsonl(out)
        .runs.map((record) => record.spec.seed)
        .sort(),
    ).toEqual([0, 1, 2, 3, 4]);
    expect(events.filter((event) => event.type === "start").map(({ run: { spec } }) => spec.seed)).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(new Set(events.map((event) => event.job))).toEqual(new Set([0, 1]));
    expect(events.some((event) => event.type === "progress" && event.report.loss === 4)).toBe(true);
  });

  test("skips what the JSONL or the store holds, and repairs a JSONL that was cut short", async () => {
    appendJsonl(out, fakeRecord(plan("good", 0)));
    appendFileSync(out, '{"id":"half');
    const report = await run([plan("good", 0), plan("good", 1), plan("good", 2)], {
      finished: [fakeRecord(plan("good", 2))],
    });
    expect(report.skipped).toBe(2);
    expect(readJsonl(out)).toMatchObject({ unfinished: 0, runs: [{ spec: { seed: 0 } }, { spec: { seed: 1 } }] });
    expect((await run([plan("good", 0), plan("good", 1)])).skipped).toBe(2);
  });

  test("goes on after a run that fails, and says why", async () => {
    const report = await run([plan("fails"), plan("good")]);
    expect(report.failed).toMatchObject([{ run: { label: "fails" }, message: "the loss is not finite at step 3" }]);
    expect(report.done).toHaveLength(1);
  });

  test("tries a run again in a fresh process when its worker died", async () => {
    const events: SweepEvent[] = [];
    const report = await run([plan("dies-once"), plan("good")], { onEvent: (event) => events.push(event) });
    expect(report.done).toHaveLength(2);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "failed", again: true, message: "the worker ended (exit code 9: device lost)" }),
    );
  });

  test("gives a run up when its worker died twice", async () => {
    const report = await run([plan("dies"), plan("good")]);
    expect(report.failed).toMatchObject([{ run: { label: "dies" }, message: "the worker ended (exit code 9)" }]);
    expect(report.done).toHaveLength(1);
  });

  test("starts no run that would not end in time", async () => {
    const runs = [0, 1, 2].map((seed) => plan("good", seed));
    runs[1] = { ...runs[1], spec: { ...runs[1].spec, tokens: 1e12 } };
    const report = await run(runs, { timeLimit: 60 });
    expect(report.done).toHaveLength(1);
    expect(report.left).toEqual(runs.slice(1));
  });

  test("says at once that workers cannot be started", async () => {
    const report = await run([plan("good")], { worker: [process.execPath, bundle, folder, "starts-not"] });
    expect(report.problem).toBe("a worker process did not start (exit code 3: no adapter here)");
    expect(report.left).toHaveLength(1);
  });

  test("stops its workers when aborted and keeps what is finished", async () => {
    const abort = new AbortController();
    const report = await run([plan("good"), plan("slow"), plan("good", 1)], {
      signal: abort.signal,
      onEvent: (event) => event.type === "progress" && event.run.label === "slow" && abort.abort(),
    });
    expect(report.left.map(({ label }) => label)).toEqual(["slow", "good"]);
    expect(readFileSync(out, "utf8").trim().split("\n")).toHaveLength(1);
  });
});
