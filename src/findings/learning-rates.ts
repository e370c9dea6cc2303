/** Losses at several peak learning rates, by which a study's rate is chosen. */

import type { RunRecord } from "../runs/types.js";
import { type Row, rounded } from "./finding.js";
import { fourArchitectures } from "./models.js";
import { mean } from "./stats.js";
import { architectureStyle } from "./theme.js";

type Unit = "nllPerToken" | "nllPerByte";

/**
 * One row a run; `aboveBest` is its loss less that of the same model at its best rate.
 * @param name what a label's model is called
 */
export function learningRateRows(
  runs: readonly RunRecord[],
  unit: Unit,
  name: (label: string) => string = nameOf,
): Row[] {
  const lossOf = ({ result }: RunRecord) => result.validation[unit];
  return runs.map((run): Row => {
    const { label, spec, result } = run;
    const own = runs.filter((other) => other.label === label && other.spec.seed === spec.seed);
    const best = Math.min(...own.map(lossOf));
    return {
      model: name(label),
      params: result.params.nonEmbedding,
      lr: spec.optimizer.lr,
      tokens: result.tokens,
      seed: spec.seed,
      [unit]: rounded(lossOf(run), 4),
      aboveBest: rounded(lossOf(run) - best, 4),
      best: lossOf(run) === best ? "best" : "",
    };
  });
}

/** Architectures by the workbook's name for them, other models by their label. */
function nameOf(label: string): string {
  const known = fourArchitectures.find((key) => key === label);
  return known ? architectureStyle(known).label : label;
}

/**
 * The rows of `learningRateRows` for reading: one a model, its loss (nats a token or a byte, the mean over seeds) at each rate side by
 * side, null where it has no run (not tried, or diverged), and the rate of the least.
 */
export function ratesSideBySide(rows: readonly Row[]): Row[] {
  const rates = [...new Set(rows.map(({ lr }) => Number(lr)))].sort((a, b) => a - b);
  return [...new Set(rows.map(({ model }) => model))].map((model): Row => {
    const losses = rates.map((rate) => {
      const own = rows.filter((row) => row.model === model && row.lr === rate);
      return own.length > 0 ? mean(own.map((row) => Number(row.nllPerToken ?? row.nllPerByte))) : null;
    });
    const least = Math.min(...losses.filter((loss) => loss !== null));
    const columns = rates.map((rate, i) => [`at ${rate}`, losses[i] === null ? null : rounded(losses[i], 4)]);
    return { model, ...Object.fromEntries(columns), best: rates[losses.indexOf(least)] };
  });
}
