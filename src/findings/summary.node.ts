/** The findings table of the README: what each claim of the paper became. */

import { packageStore, readStore } from "../runs/store.js";
import type { RunRecord } from "../runs/types.js";
import { costVerdicts } from "./costs.js";
import type { Finding, Row, Verdict } from "./finding.js";
import { findings } from "./index.js";
import { pendingStudies } from "./pending.node.js";
import { paperTablesOf, recordedRuns } from "./recorded.node.js";
import { distinctRuns } from "./run-cost.js";

/** A verdict, or the place of those that wait for runs. */
export type Claim = Omit<Verdict, "outcome"> & { outcome: Verdict["outcome"] | "not run yet" };

export interface FindingClaims {
  finding: string;
  verdicts: Claim[];
  /** The runs that its studies have, each once; two findings may share some. */
  runs: RunRecord[];
}

/**
 * The verdicts of every finding, by its name. A finding none of whose runs is recorded has a last row that says so, after what the
 * paper's own numbers tell.
 * @throws Error as `recordedRuns` does, when runs are missing or were changed
 */
export function allVerdicts(store: string = packageStore): FindingClaims[] {
  const stored = readStore(store);
  const trained = findings.map((finding): FindingClaims => {
    const runs = recordedRuns(finding, { store }, stored);
    const verdicts = finding.verdicts(runs, paperTablesOf(finding));
    return { finding: finding.name, verdicts: [...verdicts, ...waiting(finding, stored)], runs: distinctRuns(runs) };
  });
  return [{ finding: "costs", verdicts: costVerdicts(), runs: [] }, ...trained];
}

/** Empty where at least one study is recorded. */
function waiting(finding: Finding, stored: readonly RunRecord[]): Claim[] {
  const { title, paperTables, studies } = finding;
  if (studies.some(({ pending }) => !pending)) return [];
  const numbers = paperTables.map((name) => Number(/^table(\d+)/.exec(name)?.[1])).filter(Number.isInteger);
  const planned = pendingStudies(finding, stored).map(
    ({ study, runs, trained }) => `${study} (${runs} runs${trained > 0 ? `, ${trained} of them trained` : ""})`,
  );
  return [
    {
      claim: `${title}.`,
      paper: `${numbers.length === 1 ? "Table" : "Tables"} ${numbers.join(", ")}`,
      outcome: "not run yet",
      evidence: `Planned: ${planned.join(", ")}.`,
      parts: [],
    },
  ];
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
