/** The comparisons that decide the block-ratio finding, with models of several sizes side by side (repeats.ts). */

import { accuraciesOfBoth } from "./accuracy.js";
import type { Models } from "./block-ratio-models.js";
import type { Row } from "./finding.js";
import { differenceColumns } from "./result-columns.js";
import { inNoise, noiseOf } from "./seed-noise.js";

const deciding = [
  ["inter 1:5", "Transformer"],
  ["inter 1:5", "Mamba"],
  ["inter 1:1", "inter 1:5"],
  ["intra 1:5", "Transformer"],
  ["intra 1:5", "inter 1:5"],
] as const;

/**
 * One row a comparison and size, in nats a token, with the accuracies of both models; none for a comparison that one size alone has.
 * `inNoise` is the difference in units of `noiseOf`, null where too few seeds of that size are there.
 */
export function sizeRows(sizes: readonly Models[]): Row[] {
  return deciding.flatMap(([a, b]) => {
    const rows = sizes.flatMap((models): Row[] => {
      const [model, other, interval] = [models.find(a), models.find(b), models.difference(a, b)];
      if (!model || !other || !interval) return [];
      const params = model.runs[0].result.params.nonEmbedding;
      return [
        {
          comparison: `${a} − ${b}`,
          params,
          seeds: interval.n,
          ...differenceColumns("difference", interval),
          inNoise: inNoise(interval.mean, noiseOf(models, [a, b])),
          ...accuraciesOfBoth(model.runs, other.runs),
        },
      ];
    });
    return rows.length > 1 ? rows : [];
  });
}
