/** Columns that every table of models has: losses, and how many questions were answered. */

import type { RunRecord } from "../runs/types.js";
import { accuracies } from "./accuracy.js";
import { type Row, rounded } from "./finding.js";
import { type Interval, mean, sd } from "./stats.js";

/** The mean of a loss over seeds, and its standard deviation, `sd`: nats. */
export function seedColumns(unit: "nllPerToken" | "nllPerByte", losses: readonly number[]): Row {
  return { seeds: losses.length, [unit]: rounded(mean(losses), 4), sd: rounded(sd(losses), 4) };
}

/** Means over the runs of one model: nats, `sd` that of the loss a token. */
export function lossColumns(runs: readonly RunRecord[]): Row {
  const losses = runs.map(({ result }) => result.validation);
  return {
    ...seedColumns(
      "nllPerToken",
      losses.map(({ nllPerToken }) => nllPerToken),
    ),
    nllPerByte: rounded(mean(losses.map(({ nllPerByte }) => nllPerByte)), 4),
  };
}

/**
 * The losses of the runs with a label, and accuracies in percent (chance: cloze 25, the others about 0); these empty where the runs
 * answered no questions.
 * @throws Error when no run has the label
 */
export function resultColumns(runs: readonly RunRecord[], label: string): Row {
  const own = runs.filter((run) => run.label === label);
  if (own.length === 0) throw new Error(`there are no runs of ${label}`);
  return { ...lossColumns(own), ...accuracies(own) };
}

/** A difference and the half-width of its interval, as two columns: `vsMiddle`, `vsMiddleHalf`. Both empty where there is none. */
export function differenceColumns(name: string, interval: Interval | undefined): Row {
  return {
    [name]: interval ? rounded(interval.mean, 4) : null,
    [`${name}Half`]: interval ? rounded(interval.high - interval.mean, 4) : null,
  };
}
