/** What verdicts and notebooks say of runs that diverged (`Study.diverged`). */

import type { ByLabel } from "./by-seed.js";
import type { Study } from "./study.js";

/** A sentence for each run that diverged and whose seed other models have; empty when there is none. */
export function divergedInWords({ diverged = [] }: Study, losses: ByLabel): string {
  const sentences = diverged.flatMap(({ label, seed, step }) => {
    const own = losses.get(label);
    if (!own || own.has(seed) || ![...losses.values()].some((other) => other.has(seed))) return [];
    const seeds = [...own.keys()].join(" and ");
    return [`The run of ${label} with seed ${seed} diverged at step ${step}: its comparisons rest on seeds ${seeds}.`];
  });
  return sentences.join(" ");
}
