/** The checkpoints of a sweep's runs under way: a folder a run, `<out>.checkpoints/<finding>-<id>`, gone when it is done. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeAtomically } from "../data/files.node.js";
import { numericsVersion } from "../train/numerics.js";
import { trunkOf } from "../train/trunk.js";
import { canonicalJson, runId } from "./identity.js";
import { type AdapterFacts, provenance } from "./provenance.js";
import type { PlannedRun } from "./types.js";

const root = (out: string) => `${out}.checkpoints`;
const note = "made-by.json";

/** The folder of a run; two findings may hold the same training, each has its own. */
export function checkpointFolder(out: string, run: PlannedRun): string {
  return join(root(out), `${run.finding.replace(/[^\w-]/g, "_")}-${runId(run.spec)}`);
}

/** The card that a run was begun on; undefined when there is nothing to go on from. */
export function begunOn(out: string, run: PlannedRun): string | undefined {
  const folder = checkpointFolder(out, run);
  const saved = existsSync(folder) && readdirSync(folder).some((name) => /^step-\d+$/.test(name));
  return saved ? readNote(folder)?.card : undefined;
}

const trunkIds = new WeakMap<PlannedRun, string>();

/** What runs that share their beginning have in common. */
export function trunkId(run: PlannedRun): string {
  const known = trunkIds.get(run) ?? runId(trunkOf(run.spec));
  trunkIds.set(run, known);
  return known;
}

/** The folder of the beginning that a run shares with others. */
export function trunkFolder(out: string, run: PlannedRun): string {
  return join(root(out), `trunk-${trunkId(run)}`);
}

export function dropTrunk(out: string, run: PlannedRun): void {
  rmSync(trunkFolder(out, run), { recursive: true, force: true });
  dropWhenEmpty(out);
}

/** Removes a run's checkpoints, and the folder of all when it was the last. */
export function dropCheckpoints(out: string, run: PlannedRun): void {
  rmSync(checkpointFolder(out, run), { recursive: true, force: true });
  dropWhenEmpty(out);
}

function dropWhenEmpty(out: string): void {
  if (existsSync(root(out)) && readdirSync(root(out)).length === 0) rmdirSync(root(out));
}

/**
 * Readies a run's folder for this adapter. Another kind of adapter, driver or numerics rounds differently, and a run that
 * changed over would be neither one's: what those left is removed, and the run starts anew.
 */
export function prepareCheckpoints(folder: string, card: string, adapter: AdapterFacts): void {
  const { adapter: name, driver, dawn, toggles } = provenance(adapter, 0);
  const own = { card, maker: canonicalJson({ name, driver, dawn, toggles, numericsVersion }) };
  if (readNote(folder)?.maker === own.maker) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeAtomically(join(folder, note), JSON.stringify(own));
}

function readNote(folder: string): { card: string; maker: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, note), "utf8")) as { card: string; maker: string };
  } catch {
    return undefined;
  }
}
