/** Columns that every table of models has: losses, and how many questions were answered. */

import type { RunRecord } from "../runs/types.js";
import { accuracies } from "./accuracy.js";
import { type Row, rounded } from "./finding.js";
import { type Interval, mean, sd } from "./stats.js";

/**
 * Means over the seeds of the runs with a label: losses in nats, `sd` that of the loss a token, accuracies in percent (chance:
 * cloze 25, the others about 0); empty where the runs answered no questions.
 * @throws Error when no run has the label
 */
export function resultColumns(runs: readonly RunRecord[], label: string): Row {
  const own = runs.filter((run) => run.label === label);
  if (own.length === 0) throw new Error(`there are no runs of ${label}`);
  const losses = own.map(({ result }) => result.validation);
  const perToken = losses.map(({ nllPerToken }) => nllPerToken);
  return {
    seeds: own.length,
    nllPerToken: rounded(mean(perToken), 4),
    sd: rounded(sd(perToken), 4),
    nllPerByte: rounded(mean(losses.map(({ nllPerByte }) => nllPerByte)), 4),
    ...accuracies(own),
  };
}

/** A difference and the half-width of its interval, as two columns: `vsMiddle`, `vsMiddleHalf`. Both empty where there is none. */
export function differenceColumns(name: string, interval: Interval | undefined): Row {
  return {
    [name]: interval ? rounded(interval.mean, 4) : null,
    [`${name}Half`]: interval ? rounded(interval.high - interval.mean, 4) : null,
  };
}
