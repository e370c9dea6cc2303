/** The findings that rest on training runs, by name. A new one is a file like block-ratio.ts and a line here. */

import { blockRatio } from "./block-ratio.js";
import type { Finding } from "./finding.js";

export const findings: readonly Finding[] = [blockRatio];

/** Throws naming the findings that there are. */
export function findingNamed(name: string): Finding {
  const finding = findings.find((candidate) => candidate.name === name);
  if (!finding) {
    throw new Error(`finding: "${name}" is not known; findings are ${findings.map((known) => known.name).join(", ")}`);
  }
  return finding;
}
