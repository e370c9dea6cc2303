/** The recorded runs of a finding, read from a store. Needs no GPU. */

import { join } from "node:path";
import { runId } from "../runs/identity.js";
import { packageStore, readStore } from "../runs/store.js";
import type { PlannedRun, RunRecord } from "../runs/types.js";
import type { Finding, GridOptions } from "./finding.js";

/** Which part of a finding's grid is meant. */
export interface GridPart {
  /** Default, and where the list is empty: the scale's own. */
  seeds?: readonly number[];
  /** Only these labels; all where the list is empty. */
  labels?: readonly string[];
  /** Training tokens a run. Default: the scale's own. */
  tokens?: number;
  /** The runs of the learning-rate check instead of the grid. */
  learningRates?: boolean;
  /** The runs at own best rates instead of the grid. */
  ownRates?: boolean;
}

/** The planned runs of a part of a grid. */
export function gridPart(finding: Finding, part: GridPart, base: Pick<GridOptions, "scale" | "data">): PlannedRun[] {
  const given = <T>(list?: readonly T[]) => (list && list.length > 0 ? list : undefined);
  const grid = { ...base, seeds: given(part.seeds), labels: given(part.labels), tokens: part.tokens };
  if (part.ownRates) return finding.ownRateGrid(grid);
  return part.learningRates ? finding.learningRateGrid(grid) : finding.grid(grid);
}

/**
 * Reads the recorded runs of a finding, in grid order; other runs in the same folder are left out.
 * @param options.store default: the runs that travel with the package
 * @throws Error listing the runs that the store lacks and the command that makes them, or naming a run that was changed
 */
export function recordedRuns(finding: Finding, options: GridPart & { store?: string } = {}): RunRecord[] {
  const store = options.store ?? packageStore;
  const planned = gridPart(finding, options, { scale: "nano", data: finding.recordedData });
  const name = planned[0]?.finding ?? finding.name;
  const known = new Map(readStore(store, name).map((run) => [run.id, run]));
  const missing = planned.filter((run) => !known.has(runId(run.spec)));
  if (missing.length === 0) return planned.map((run) => known.get(runId(run.spec)) as RunRecord);
  const told = missing.slice(0, 6).map((run) => {
    const rate = options.learningRates ? `, learning rate ${run.spec.optimizer.lr}` : "";
    return `${run.label} seed ${run.spec.seed}${rate} (${join(store, name, runId(run.spec))}.json)`;
  });
  const more = missing.length > told.length ? `, and ${missing.length - told.length} more` : "";
  const flag = options.learningRates ? " --learning-rates" : "";
  const [, corpus, cut] = /^(.*?)(?:\[:(\d+)\])?$/.exec(finding.recordedData.identity.name) ?? [];
  const slice = cut ? ` --limit-tokens ${cut}` : "";
  const strangers = known.size - (planned.length - missing.length);
  const others =
    strangers > 0
      ? `The store holds ${strangers} other runs of it: of other seeds, rates, data or an older grid. `
      : "";
  throw new Error(
    `${missing.length} of ${planned.length} recorded runs of ${name} are missing: ${told.join(", ")}${more}. ${others}` +
      `Train them on a GPU with "braid sweep --finding ${finding.name}${flag} --scale nano --data TEXT --validation TEXT ` +
      `--tokenizer FILE --name ${corpus}${slice} --out runs.jsonl", then "braid runs import runs.jsonl"`,
  );
}
