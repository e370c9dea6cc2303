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

const million = (value: number, decimals: number) => rounded(value / 1e6, decimals);

/**
 * One row a study, as notebooks show it: runs, seeds, the smallest and largest number of weights without the embedding, tokens trained,
 * minutes, and where.
 * A run that several studies share counts in each.
 */
export function runCosts(runs: StudyRuns): Row[] {
  return [...runs].map(([study, own]) => ({
    study,
    runs: own.length,
    seeds: new Set(own.map(({ spec }) => spec.seed)).size,
    "parameters, million": spread(own.map(({ result }) => million(result.params.nonEmbedding, 2))),
    "tokens, million": million(tokensTrained(own), 1),
    "GPU minutes": rounded(gpuMinutes(own), 1),
    "made on": [...new Set(own.map(({ provenance }) => provenance.adapter))].join("; "),
  }));
}

/** "3.95", or "0.29 to 8.74"; empty for none. */
function spread(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  const ends = [...new Set([known[0], known[known.length - 1]])];
  return known.length === 0 ? "" : ends.join(" to ");
}

/** The runs of some studies, each once. */
export const distinctRuns = (runs: StudyRuns): RunRecord[] => [
  ...new Map([...runs.values()].flat().map((run) => [run.id, run])).values(),
];

/** The same in a sentence, every run once: "60 runs, 2.01 billion tokens, 28 GPU minutes". */
export function runCostInWords(runs: StudyRuns): string {
  const all = distinctRuns(runs);
  return `${all.length} runs, ${(tokensTrained(all) / 1e9).toFixed(2)} billion tokens, ${Math.round(gpuMinutes(all))} GPU minutes`;
}
