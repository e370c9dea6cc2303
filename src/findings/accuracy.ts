/** Accuracies on the questions of src/evaluate/tasks.ts, as tables show them. */

import type { RunRecord } from "../runs/types.js";
import { type Row, rounded } from "./finding.js";
import { mean } from "./stats.js";

/** Percent of the questions answered, means over runs; `null` where runs were not asked (smoke scale). */
interface Accuracies {
  /** Which of four passages goes on here; chance gives 25. */
  cloze: number | null;
  /** The last word of a passage, greedily. */
  lastWord: number | null;
  /** The second word of a rare pair that the passage has earlier, greedily. */
  recall: number | null;
}

/** The accuracies of two models that are compared, "36.2 / 35.9" each: those of the first and of the second; `null` likewise. */
export function accuraciesOfBoth(a: readonly RunRecord[], b: readonly RunRecord[]): Row {
  const [first, second] = [accuracies(a), accuracies(b)];
  const pair = (task: keyof Accuracies) =>
    first[task] === null || second[task] === null ? null : `${first[task].toFixed(1)} / ${second[task].toFixed(1)}`;
  return { cloze: pair("cloze"), lastWord: pair("lastWord"), recall: pair("recall") };
}

/** Mean accuracies of runs of one model, in percent with one decimal. */
export function accuracies(runs: readonly RunRecord[]): Accuracies {
  const percent = (task: keyof Accuracies) => {
    const shares = runs.flatMap(({ result }) => {
      const score = result.tasks?.[task];
      return score ? [(100 * score.correct) / score.questions] : [];
    });
    return shares.length > 0 ? rounded(mean(shares), 1) : null;
  };
  return { cloze: percent("cloze"), lastWord: percent("lastWord"), recall: percent("recall") };
}
