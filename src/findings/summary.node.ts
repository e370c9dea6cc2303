/** The findings table of the README: what each claim of the paper became. */

import { costVerdicts } from "./costs.js";
import type { Row, Verdict } from "./finding.js";
import { findings } from "./index.js";
import { paperTablesOf, recordedRuns } from "./recorded.node.js";

/** The verdicts of every finding, by its name. Throws, as `recordedRuns` does, when runs are missing or were changed. */
export function allVerdicts(store?: string): { finding: string; verdicts: Verdict[] }[] {
  const trained = findings.map((finding) => {
    const runs = recordedRuns(finding, { store });
    return { finding: finding.name, verdicts: finding.verdicts(runs, paperTablesOf(finding)) };
  });
  return [{ finding: "costs", verdicts: costVerdicts() }, ...trained];
}

/** One row a claim. */
export function findingsRows(store?: string): Row[] {
  return allVerdicts(store).flatMap(({ finding, verdicts }) =>
    verdicts.map(({ claim, paper, outcome, evidence }) => ({ finding, claim, paper, outcome, evidence })),
  );
}

/** The same as a Markdown table. */
export function findingsTable(store?: string): string {
  const lines = findingsRows(store).map(
    ({ finding, claim, paper, outcome, evidence }) =>
      `| ${finding} | ${claim} | ${paper} | **${outcome}** | ${evidence} |`,
  );
  return ["| finding | claim | the paper | verdict | here |", "| --- | --- | --- | --- | --- |", ...lines].join("\n");
}
