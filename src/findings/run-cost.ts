/** What the runs behind a finding took, for the end of each notebook. */

import type { RunRecord } from "../runs/types.js";
import { type Row, rounded, type StudyRuns } from "./finding.js";

/**
 * Minutes of a GPU: of the time in which runs shared one, each counts its part. A run that was resumed has its last session alone as
 * wall time; its training, which it counts whole, is then the longer of the two.
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

/**
 * One row a study: runs, tokens trained, minutes, and where.
 * A run that several studies share counts in each.
 */
export function runCosts(runs: StudyRuns): Row[] {
  return [...runs].map(([study, own]) => ({
    study,
    runs: own.length,
    parameters: own.length > 0 ? own[0].result.params.nonEmbedding : null,
    seeds: new Set(own.map(({ spec }) => spec.seed)).size,
    tokens: tokensTrained(own),
    gpuMinutes: rounded(gpuMinutes(own), 1),
    adapter: [...new Set(own.map(({ provenance }) => provenance.adapter))].join("; "),
  }));
}

/** The same in a sentence, every run once: "60 runs, 2.01 billion tokens, 28 GPU minutes". */
export function runCostInWords(runs: StudyRuns): string {
  const all = [...new Map([...runs.values()].flat().map((run) => [run.id, run])).values()];
  return `${all.length} runs, ${(tokensTrained(all) / 1e9).toFixed(2)} billion tokens, ${Math.round(gpuMinutes(all))} GPU minutes`;
}
