/** How much was trained for each finding: runs, tokens, and what they cost. */
import { costOf, type RunsCost } from "../findings/run-cost.js";
import type { RunRecord } from "../runs/types.js";

export interface Scale extends RunsCost {
  finding: string;
  /** Compared variants. */
  labels: number;
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
  return {
    finding,
    ...costOf(runs),
    labels: distinct((run) => `${run.finding} ${run.label}`).length,
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
