/** The findings that rest on training runs, by name. A new one is a file like block-ratio.ts and a line here. */

import { blockRatio } from "./block-ratio.js";
import { bytes } from "./bytes.js";
import type { Finding } from "./finding.js";
import { fusion } from "./fusion.js";
import { moe } from "./moe.js";
import { placement } from "./placement.js";
import { scaling } from "./scaling.js";
import type { Study } from "./study.js";

export const findings: readonly Finding[] = [blockRatio, placement, fusion, moe, scaling, bytes];

/** Throws naming the findings that there are. */
export function findingNamed(name: string): Finding {
  const finding = findings.find((candidate) => candidate.name === name);
  if (!finding) {
    throw new Error(`finding: "${name}" is not known; findings are ${findings.map((known) => known.name).join(", ")}`);
  }
  return finding;
}

/**
 * A study of any finding.
 * @throws Error naming the studies that there are
 */
export function studyNamed(name: string): Study {
  const studies = findings.flatMap((finding) => finding.studies);
  const study = studies.find((candidate) => candidate.name === name);
  if (!study) {
    throw new Error(`study: "${name}" is not known; studies are ${studies.map((known) => known.name).join(", ")}`);
  }
  return study;
}
