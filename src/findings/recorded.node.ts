/** The recorded runs of a finding, read from a store. Needs no GPU. */

import { join } from "node:path";
import { runId } from "../runs/identity.js";
import { packageStore, readStore } from "../runs/store.js";
import type { PlannedRun, RunRecord } from "../runs/types.js";
import type { Finding, PaperTables, StudyRuns } from "./finding.js";
import { paperTable } from "./paper.node.js";
import { type PlanOptions, planStudy, type Study } from "./study.js";

/** Which part of a finding's studies is meant. */
export interface Part extends Pick<PlanOptions, "seeds" | "labels" | "tokens"> {
  /** Names of studies; where the list is empty, all recorded ones, or the finding's first at other scales. */
  studies?: readonly string[];
}

/**
 * The studies of a finding that are named.
 * @throws Error naming the studies that there are
 */
export function studiesOf(finding: Finding, names: readonly string[] = []): readonly Study[] {
  for (const name of names) {
    if (finding.studies.some((study) => study.name === name)) continue;
    const known = finding.studies.map((study) => study.name).join(", ");
    throw new Error(`studies: "${name}" is no study of ${finding.name}; it has ${known}`);
  }
  return finding.studies.filter((study) => names.length === 0 || names.includes(study.name));
}

/** What of a plan is given; an empty list means the same as none. */
export function given({ seeds, labels, tokens }: Part): PlanOptions {
  const list = <T>(items?: readonly T[]) => (items && items.length > 0 ? items : undefined);
  return { seeds: list(seeds), labels: list(labels), tokens };
}

/**
 * Reads the recorded runs of a finding, by study, in the order of the plan; other runs of the store are left out. A run that
 * several studies plan is kept under the one that was trained first. Studies that are pending are left out.
 * @param options.store default: the runs that travel with the package
 * @param stored what the store holds, where it was read before
 * @throws Error listing the runs that the store lacks and the command that makes them, or naming a run that was changed
 */
export function recordedRuns(
  finding: Finding,
  options: Part & { store?: string } = {},
  stored: readonly RunRecord[] = readStore(options.store ?? packageStore),
): StudyRuns {
  const store = options.store ?? packageStore;
  const known = new Map(stored.map((run) => [run.id, run]));
  const runs = new Map<string, RunRecord[]>();
  for (const study of studiesOf(finding, options.studies).filter(({ pending }) => !pending)) {
    const planned = planStudy(study, given(options));
    const missing = planned.filter(({ spec }) => !known.has(runId(spec)));
    if (missing.length > 0) throw new Error(whatIsMissing(study, planned, missing, store));
    runs.set(
      study.name,
      planned.map(({ finding: name, label, spec }) => ({ ...known.get(runId(spec))!, finding: name, label })),
    );
  }
  return runs;
}

function whatIsMissing(study: Study, planned: PlannedRun[], missing: PlannedRun[], store: string): string {
  const rates = new Set(planned.map(({ spec }) => spec.optimizer.lr)).size > 1;
  const told = missing.slice(0, 6).map(({ label, spec }) => {
    const rate = rates ? `, learning rate ${spec.optimizer.lr}` : "";
    return `${label} seed ${spec.seed}${rate} (${join(store, study.name, runId(spec))}.json)`;
  });
  const more = missing.length > told.length ? `, and ${missing.length - told.length} more` : "";
  const tokenizer = study.data === "bytes" ? "" : " --tokenizer FILE";
  return (
    `${missing.length} of ${planned.length} recorded runs of ${study.name} are missing: ${told.join(", ")}${more}. ` +
    `Train them on a GPU with "npx braid sweep --study ${study.name} --data TEXT --validation TEXT${tokenizer} --name corpus --out runs.jsonl", ` +
    `then "npx braid runs import runs.jsonl${store === packageStore ? "" : ` --store ${store}`}"`
  );
}

/** The paper's tables that a finding compares with. */
export function paperTablesOf(finding: Finding): PaperTables {
  return Object.fromEntries(finding.paperTables.map((name) => [name, paperTable(name)]));
}
