/** Studies that are planned and not complete: what is there of them counts nowhere yet. */

import { runId } from "../runs/identity.js";
import { packageStore, readStore } from "../runs/store.js";
import type { RunRecord } from "../runs/types.js";
import type { Finding } from "./finding.js";
import { planStudy } from "./study.js";

// A type, not an interface, so that it is a row of a table.
type PendingStudy = {
  study: string;
  about: string;
  seeds: number;
  runs: number;
  /** How many of them the store holds. */
  trained: number;
};

/**
 * One row a pending study of a finding.
 * @param stored what the store holds, where it was read before
 */
export function pendingStudies(
  { studies }: Finding,
  stored: readonly RunRecord[] = readStore(packageStore),
): PendingStudy[] {
  const known = new Set(stored.map(({ id }) => id));
  return studies
    .filter(({ pending }) => pending)
    .map((study) => {
      const planned = planStudy(study);
      return {
        study: study.name,
        about: study.about,
        seeds: study.seeds.length,
        runs: planned.length,
        trained: planned.filter(({ spec }) => known.has(runId(spec))).length,
      };
    });
}
