/** What the runs behind a finding took, for the end of each notebook. */

import type { RunRecord } from "../runs/types.js";
import { type Row, rounded, type StudyRuns } from "./finding.js";

/**
 * Minutes of a GPU: of the time in which runs shared one, each counts its part. A run that was resumed has its last session alone as
 * wall time; the training of its own steps, which it counts whole, is then the longer of the two.
 */
export function gpuMinutes(runs: readonly RunRecord[]): number {
  const seconds = ({ result, provenance: { wallSeconds, sideBySide = 1 } }: RunRecord) =>
    Math.max(wallSeconds, result.seconds * ownShare(result)) / sideBySide;
  return runs.reduce((sum, run) => sum + seconds(run), 0) / 60;
}

/** The part of a run's steps that it did not take over from a shorter one. */
const ownShare = ({ shared = 0, steps }: RunRecord["result"]) => 1 - shared / steps;

/** Tokens trained in all: those that a run took over from a shorter one are not counted again. */
export function tokensTrained(runs: readonly RunRecord[]): number {
  return runs.reduce((sum, { result }) => sum + result.tokens * ownShare(result), 0);
}

/** What some runs took. */
export interface RunsCost {
  runs: number;
  seeds: number;
  /** Smallest and largest number of weights, without the embedding, as the paper counts; none without runs. */
  parameters: number[];
  /** Trained: what a run took over from a shorter one is not counted again. */
  tokens: number;
  /** Of a GPU: of the time in which runs shared one, each counts its part. */
  minutes: number;
}

export function costOf(runs: readonly RunRecord[]): RunsCost {
  const weights = runs.map(({ result }) => result.params.nonEmbedding);
  return {
    runs: runs.length,
    seeds: new Set(runs.map(({ spec }) => spec.seed)).size,
    parameters: runs.length > 0 ? [Math.min(...weights), Math.max(...weights)] : [],
    tokens: tokensTrained(runs),
    minutes: gpuMinutes(runs),
  };
}

/** "3.95M", or "0.29M to 8.74M"; empty for none. */
export const spread = (ends: readonly number[], text: (value: number) => string): string =>
  [...new Set(ends.map(text))].join(" to ");

const million = (value: number, decimals: number) => rounded(value / 1e6, decimals);

/** One row a study: its `costOf` as notebooks show it, and where it was made. A run that several studies share counts in each. */
export function runCosts(runs: StudyRuns): Row[] {
  return [...runs].map(([study, own]) => {
    const { parameters, tokens, minutes, ...counts } = costOf(own);
    return {
      study,
      ...counts,
      "parameters, million": spread(parameters, (weights) => String(million(weights, 2))),
      "tokens, million": million(tokens, 1),
      "GPU minutes": rounded(minutes, 1),
      "made on": [...new Set(own.map(({ provenance }) => provenance.adapter))].join("; "),
    };
  });
}

/** The runs of some studies, each once. */
export const distinctRuns = (runs: StudyRuns): RunRecord[] => [
  ...new Map([...runs.values()].flat().map((run) => [run.id, run])).values(),
];

/** The same in a sentence, every run once: "60 runs, 2.01 billion tokens, 28 GPU minutes". */
export function runCostInWords(runs: StudyRuns): string {
  const { runs: count, tokens, minutes } = costOf(distinctRuns(runs));
  return `${count} runs, ${(tokens / 1e9).toFixed(2)} billion tokens, ${Math.round(minutes)} GPU minutes`;
}
