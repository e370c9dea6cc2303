import type { Dataset } from "../data/types.js";
import type { PlannedRun, RunRecord } from "../runs/types.js";
import { dataIdentity } from "../train/defaults.js";
import type { TrainSpec } from "../train/types.js";
import { type Interval, mean, type Outcome } from "./stats.js";

/**
 * `recorded`: the runs in data/runs. `nano`: the same grid, trained anew on a GPU. `smoke`: a toy grid that any adapter
 * trains in seconds; it shows that the machinery works, and nothing about the finding.
 */
export type Scale = "recorded" | "nano" | "smoke";

export const scales: readonly Scale[] = ["recorded", "nano", "smoke"];

/** What a grid needs to know of its data: the identity that goes into specs, and the vocabulary that sizes models. */
export interface GridData {
  identity: TrainSpec["data"];
  vocabSize: number;
}

export interface GridOptions {
  /** The size of models and runs. Recorded runs are nano runs. */
  scale: "nano" | "smoke";
  data: GridData;
  /** Default: the scale's own. */
  seeds?: readonly number[];
  /** Training tokens a run. Default: the scale's own. */
  tokens?: number;
  /** Only these labels, e.g. ["1:0", "1:5"]. */
  labels?: readonly string[];
  /** Peak learning rates by label, instead of the finding's own. */
  peakRates?: Readonly<Record<string, number>>;
}

/** What smoke grids train on, as `openDataset` and `--data` take it. */
export const smokeData = { data: "synthetic", tokens: 65_536 } as const;

/** How the peak learning rates of the recorded runs were chosen. */
export interface LearningRateCheck {
  rates: readonly number[];
  tokens: number;
  seeds: readonly number[];
}

/** A table is an array of these: numbers stay numbers, `null` is an empty cell. */
export type Row = Record<string, string | number | null>;

/** One claim of the paper and what our runs say of it. */
export interface Verdict {
  claim: string;
  /** What the paper measured, with the table it stands in. */
  paper: string;
  outcome: Outcome;
  /** Our numbers, with intervals, in words. */
  evidence: string;
  /** The comparisons that the outcome rests on. */
  parts: { name: string; outcome: Outcome; interval: Interval }[];
}

/**
 * A finding of the paper that rests on training runs: a grid of models and seeds, and what to make of the losses.
 * To add one, write a file like block-ratio.ts and list it in index.ts.
 */
export interface Finding {
  /** Lower-case name: the folder under data/runs and the word on the command line. */
  name: string;
  title: string;
  /** The file in data/paper whose rows `table`, `figure` and `verdicts` compare with. */
  paperTable: string;
  /** The data that the recorded runs were trained on. */
  recordedData: GridData;
  /** The runs, ordered so that paired comparisons are complete early: all models of a seed, then the next seed. */
  grid(options: GridOptions): PlannedRun[];
  /** The same models at each of several peak learning rates (default: the scale's own), as runs of `<name>-lr`. */
  learningRateGrid(options: GridOptions & { rates?: readonly number[] }): PlannedRun[];
  /** Runs at a model's own best rate of the check, where the grid's rate is another, as runs of `<name>-own-rate`. */
  ownRateGrid(options: GridOptions): PlannedRun[];
  /** `paper`: the rows of `paperTable`, here and below. */
  table(runs: readonly RunRecord[], paper: readonly Row[]): Row[];
  learningRateTable(runs: readonly RunRecord[]): Row[];
  /** An SVG drawn in the given document (a browser's, or jsdom's). */
  figure(runs: readonly RunRecord[], paper: readonly Row[], document: Document): SVGSVGElement | HTMLElement;
  verdicts(runs: readonly RunRecord[], paper: readonly Row[]): Verdict[];
}

/** What a grid needs to know of a data set. */
export function describeData(dataset: Dataset): GridData {
  return { identity: dataIdentity(dataset), vocabSize: dataset.codec.vocabSize };
}

/** The peak learning rate with the lowest mean loss, by label, of the runs of a learning-rate check. */
export function bestRates(check: readonly RunRecord[]): Record<string, number> {
  const best: Record<string, number> = {};
  for (const label of new Set(check.map((run) => run.label))) {
    const own = check.filter((run) => run.label === label);
    const losses = [...new Set(own.map(({ spec }) => spec.optimizer.lr))].map((lr) => {
      const at = own.filter(({ spec }) => spec.optimizer.lr === lr);
      return { lr, nll: mean(at.map(({ result }) => result.validation.nllPerToken)) };
    });
    best[label] = losses.reduce((a, b) => (b.nll < a.nll ? b : a)).lr;
  }
  return best;
}

/** Seed-major order, else as given: when time runs out, the seeds that are there are complete over all models. */
export function bySeed(runs: readonly PlannedRun[]): PlannedRun[] {
  return [...runs].sort((a, b) => a.spec.seed - b.spec.seed);
}

/** Rounds to a number of decimals; NaN and infinities become `null`, an empty cell. */
export function rounded(value: number, decimals: number): number | null {
  return Number.isFinite(value) ? Number(value.toFixed(decimals)) : null;
}

/** A difference with its sign: "−0.021", "+0.010". */
export function signed(value: number, decimals = 3): string {
  const digits = Math.abs(value).toFixed(decimals);
  return Number(digits) === 0 ? digits : `${value < 0 ? "−" : "+"}${digits}`;
}

/** "−0.021 [−0.030, −0.012]", or "−0.021 (one seed: no interval)". */
export function inWords({ mean, low, high }: Interval): string {
  return Number.isFinite(low)
    ? `${signed(mean)} [${signed(low)}, ${signed(high)}]`
    : `${signed(mean)} (one seed: no interval)`;
}
