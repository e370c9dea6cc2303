/** What the runs behind a finding took, for the end of each notebook. */

import type { RunRecord } from "../runs/types.js";
import { type Row, rounded, type StudyRuns } from "./finding.js";

/** Minutes of processes: runs that shared a card side by side each count their own time. */
export function runMinutes(runs: readonly RunRecord[]): number {
  return runs.reduce((sum, { provenance }) => sum + provenance.wallSeconds, 0) / 60;
}

/**
 * One row a study: runs, tokens trained in all (those taken over from a shorter run are not counted again), minutes, and where.
 * A run that several studies share counts in each.
 */
export function runCosts(runs: StudyRuns): Row[] {
  return [...runs].map(([study, own]) => ({
    study,
    runs: own.length,
    parameters: own.length > 0 ? own[0].result.params.nonEmbedding : null,
    seeds: new Set(own.map(({ spec }) => spec.seed)).size,
    tokens: own.reduce((sum, { result }) => sum + result.tokens * (1 - (result.shared ?? 0) / result.steps), 0),
    runMinutes: rounded(runMinutes(own), 1),
    adapter: [...new Set(own.map(({ provenance }) => provenance.adapter))].join("; "),
  }));
}

/** The same in a sentence, every run once: "60 runs, 2.0 billion tokens, 85 run minutes". */
export function runCostInWords(runs: StudyRuns): string {
  const all = [...new Map([...runs.values()].flat().map((run) => [run.id, run])).values()];
  const tokens = all.reduce((sum, { result }) => sum + result.tokens * (1 - (result.shared ?? 0) / result.steps), 0);
  return `${all.length} runs, ${(tokens / 1e9).toFixed(2)} billion tokens, ${Math.round(runMinutes(all))} run minutes`;
}
