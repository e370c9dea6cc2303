/** Comparisons of a finding beside the same ones with larger models or on bytes (repeats.ts). */

import { byLabelAndSeed } from "./by-seed.js";
import type { Row, StudyRuns } from "./finding.js";
import { versus } from "./losses.js";
import { differenceColumns } from "./result-columns.js";

/** Two labels of a study, the first less the second, and the studies that repeat it. */
export interface Repeated {
  labels: readonly [string, string];
  studies: readonly string[];
}

/**
 * One row a comparison and study: the paired difference in nats a byte, which tokens and bytes share, ± the half-width of its 95 %
 * interval. None where no study but the first is among the runs.
 */
export function repeatRows(runs: StudyRuns, comparisons: readonly Repeated[]): Row[] {
  return comparisons.flatMap(({ labels: [a, b], studies }) => {
    const rows = studies.flatMap((study): Row[] => {
      const own = runs.get(study) ?? [];
      const losses = byLabelAndSeed(own, ({ result }) => result.validation.nllPerByte);
      const interval = versus(losses, a, b);
      if (!interval) return [];
      const { spec, result } = own[0];
      return [
        {
          comparison: `${a} − ${b}`,
          study,
          parameters: result.params.nonEmbedding,
          tokens: spec.data.tokenizer,
          seeds: interval.n,
          ...differenceColumns("perByte", interval),
        },
      ];
    });
    return rows.some(({ study }) => study !== studies[0]) ? rows : [];
  });
}
