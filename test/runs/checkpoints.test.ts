import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { begunOn, checkpointFolder, dropCheckpoints, prepareCheckpoints } from "../../src/runs/checkpoints.js";
import type { PlannedRun } from "../../src/runs/types.js";
import { fakeSpec } from "./fake.js";

const adapter = {
  vendor: "brand",
  architecture: "",
  device: "card",
  description: "driver 1",
  backend: "dawn",
  features: [],
  software: false,
};
const run: PlannedRun = { finding: "a/b", label: "1:5", spec: fakeSpec() };

let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "braid-checkpoints-"));
  out = join(folder, "runs.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Begins a run and leaves a checkpoint of it. */
function begin(): string {
  const own = checkpointFolder(out, run);
  prepareCheckpoints(own, "card", adapter);
  mkdirSync(join(own, "step-3"));
  return own;
}

test("a run has begun where it has a checkpoint, not where it was only readied", () => {
  prepareCheckpoints(checkpointFolder(out, run), "card", adapter);
  expect(begunOn(out, run)).toBeUndefined();
  begin();
  expect(begunOn(out, run)).toBe("card");
});

test("goes on from it on an adapter of the same kind, whatever the card is called", () => {
  const own = begin();
  prepareCheckpoints(own, "another card", adapter);
  expect(existsSync(join(own, "step-3"))).toBe(true);
});

test("starts anew with another driver or other toggles, which may round differently", () => {
  for (const change of [{ description: "driver 2" }, { toggles: ["another"] }]) {
    const own = begin();
    prepareCheckpoints(own, "card", { ...adapter, ...change });
    expect(existsSync(join(own, "step-3"))).toBe(false);
  }
});

test("lies beside the JSONL under a name of its own, and leaves nothing behind", () => {
  const other = { ...run, finding: "c" };
  expect(begin()).toMatch(/runs\.jsonl\.checkpoints\/a_b-[0-9a-f]{16}$/);
  expect(checkpointFolder(out, other)).not.toBe(checkpointFolder(out, run));
  dropCheckpoints(out, run);
  dropCheckpoints(out, other);
  expect(existsSync(`${out}.checkpoints`)).toBe(false);
});
