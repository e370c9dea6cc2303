/** The runs of one study among those of all: what is made of them where there are any, and their labels. */

import type { RunRecord } from "../runs/types.js";
import type { StudyRuns } from "./finding.js";

/** What `make` makes of a study's runs, such as its tables by name; nothing where none of them is there. */
export function ofStudy<T>(
  runs: StudyRuns,
  study: string,
  make: (own: readonly RunRecord[]) => Record<string, T>,
): Record<string, T> {
  return ofRuns(runs.get(study) ?? [], make);
}

/** The same of runs that are picked already. */
export const ofRuns = <T>(
  own: readonly RunRecord[],
  make: (own: readonly RunRecord[]) => Record<string, T>,
): Record<string, T> => (own.length > 0 ? make(own) : {});

/** Each label once, in the order of the runs. */
export function labelsOf(runs: readonly RunRecord[]): string[] {
  return [...new Set(runs.map(({ label }) => label))];
}
