/** How much was trained for each finding: runs, tokens, and what they cost. */
import { gpuMinutes, tokensTrained } from "../findings/run-cost.js";
import type { RunRecord } from "../runs/types.js";

export interface Scale {
  finding: string;
  runs: number;
  /** Compared variants. */
  labels: number;
  seeds: number;
  /** Trained: what a run took over from a shorter one is not counted again. */
  tokens: number;
  /** Of a GPU: of the time in which runs shared one, each counts its part. */
  minutes: number;
  /** Smallest and largest number of weights, without the embedding, as the paper counts. */
  parameters: [number, number];
  precisions: string[];
  /** Names without driver and backend. */
  adapters: string[];
}

/** One row a finding, in the order of the records. */
export function scales(runs: readonly RunRecord[]): Scale[] {
  return [...new Set(runs.map((run) => run.finding))].map((finding) =>
    scaleOf(
      finding,
      runs.filter((run) => run.finding === finding),
    ),
  );
}

/** All the given runs as one row. */
export function scaleOf(finding: string, runs: readonly RunRecord[]): Scale {
  const distinct = <T>(of: (run: RunRecord) => T): T[] => [...new Set(runs.map(of))];
  const weights = runs.map(({ result }) => result.params.nonEmbedding);
  return {
    finding,
    runs: runs.length,
    labels: distinct((run) => `${run.finding} ${run.label}`).length,
    seeds: distinct((run) => run.spec.seed).length,
    tokens: tokensTrained(runs),
    minutes: gpuMinutes(runs),
    parameters: [Math.min(...weights), Math.max(...weights)],
    precisions: distinct((run) => run.spec.precision),
    adapters: distinct((run) => adapterName(run.provenance.adapter)),
  };
}

/** "nvidia nvidia-h100-80gb-hbm3 NVIDIA: 580.159.04 580.159.4.0 (dawn)" is "nvidia-h100-80gb-hbm3" to a reader. */
export function adapterName(adapter: string): string {
  const words = adapter
    .replace(/\s*\([^)]*\)$/, "")
    .split(/\s+/)
    .filter((word) => word !== "");
  const named = words.find((word) => word.includes("-") && /\d/.test(word));
  return named ?? words.slice(0, 3).join(" ");
}
