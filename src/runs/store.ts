import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeAtomically } from "../data/files.node.js";
import { sameLosses } from "./again.js";
import { readableJson } from "./json.js";
import { readJsonl } from "./jsonl.js";
import { parseRecord, sealRecord } from "./record.js";
import type { RunRecord } from "./types.js";

/** The recorded runs that travel with the package: one JSON a run, `<finding>/<id>.json`. */
export const packageStore = fileURLToPath(new URL("../../data/runs", import.meta.url));

/** The file of a run inside a store. */
export function runFile(store: string, run: { finding: string; id: string }): string {
  return join(store, run.finding, `${run.id}.json`);
}

/** Reads one run file. Throws naming the file and what is wrong in it. */
function readRun(file: string): RunRecord {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file}: cannot be read as JSON (${(error as Error).message})`);
  }
  return parseRecord(value, file);
}

/**
 * All runs of a store, or those of one finding, ordered by finding, seed and file name; none when the folder does
 * not exist. Throws on the first file that is corrupt or was changed by hand, or that lies under another name.
 */
export function readStore(store: string, finding?: string): RunRecord[] {
  const runs: RunRecord[] = [];
  for (const folder of finding === undefined ? subfolders(store) : [finding]) {
    const files = existsSync(join(store, folder)) ? readdirSync(join(store, folder)) : [];
    for (const name of files.filter((file) => file.endsWith(".json")).sort()) {
      const file = join(store, folder, name);
      const run = readRun(file);
      if (file !== runFile(store, run))
        throw new Error(`${file}: holds run ${run.id} of ${run.finding}, so it should be ${runFile(store, run)}`);
      runs.push(run);
    }
  }
  return runs.sort((a, b) => a.finding.localeCompare(b.finding) || a.spec.seed - b.spec.seed);
}

/** Writes a run to `<store>/<finding>/<id>.json`, whole or not at all. Returns the path. */
export function writeRun(store: string, run: RunRecord): string {
  const file = runFile(store, run);
  writeAtomically(file, `${readableJson(sealRecord(run))}\n`);
  return file;
}

/** What an import did. */
export interface ImportReport {
  added: RunRecord[];
  /** Runs that the store already had, with the same losses. */
  skipped: RunRecord[];
  /** True when the file ended in an unfinished line, which was left out. */
  unfinished: boolean;
}

/**
 * Merges the runs of a JSONL file into a store. A run that is there already, with equal losses, is skipped; one with
 * other losses is an error that names both, and then nothing is written.
 */
export function importJsonl(file: string, store: string): ImportReport {
  const { runs, unfinished } = readJsonl(file);
  const added = new Map<string, RunRecord>();
  const skipped: RunRecord[] = [];
  for (const run of runs) {
    const stored = runFile(store, run);
    const known = added.get(stored) ?? (existsSync(stored) ? readRun(stored) : undefined);
    if (known === undefined) added.set(stored, run);
    else if (sameLosses(known.result, run.result)) skipped.push(run);
    else throw new Error(disagreement(known, stored, run, file));
  }
  for (const run of added.values()) writeRun(store, run);
  return { added: [...added.values()], skipped, unfinished: unfinished > 0 };
}

function disagreement(known: RunRecord, stored: string, run: RunRecord, file: string): string {
  const told = ({ result, provenance }: RunRecord) =>
    `${result.validation.nllPerToken} nats a token (${provenance.adapter}, commit ${provenance.commit}, ${provenance.date})`;
  return `run ${run.id} (${run.finding} ${run.label}, seed ${run.spec.seed}) has other losses in ${file}, ${told(run)}, than in ${stored}, ${told(known)}; delete the one that is wrong, or raise numericsVersion if the code's results have moved`;
}

function subfolders(store: string): string[] {
  if (!existsSync(store)) return [];
  return readdirSync(store, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
