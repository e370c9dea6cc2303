/** The findings table of the README: what each claim of the paper became in our recorded runs. */

import type { Row } from "./finding.js";
import { findings } from "./index.js";
import { recordedRuns } from "./obtain.node.js";
import { paperTable } from "./paper.node.js";

/** One row a claim. Throws, as `recordedRuns` does, when recorded runs are missing or were changed. */
export function findingsRows(store?: string): Row[] {
  return findings.flatMap((finding) => {
    const runs = recordedRuns(finding, { scale: "recorded", store });
    return finding.verdicts(runs, paperTable(finding.paperTable)).map(({ claim, paper, outcome, evidence }) => ({
      finding: finding.name,
      claim,
      paper,
      outcome,
      evidence,
    }));
  });
}

/** The same as a Markdown table. */
export function findingsTable(store?: string): string {
  const lines = findingsRows(store).map(
    ({ finding, claim, paper, outcome, evidence }) =>
      `| ${finding} | ${claim} | ${paper} | **${outcome}** | ${evidence} |`,
  );
  return ["| finding | claim | the paper | verdict | our runs |", "| --- | --- | --- | --- | --- |", ...lines].join(
    "\n",
  );
}
