import type { Dataset } from "../data/types.js";
import type { RunRecord } from "../runs/types.js";
import { dataIdentity } from "../train/defaults.js";
import type { GridData } from "./protocol.js";
import type { Interval, Outcome } from "./stats.js";
import type { Study } from "./study.js";

/**
 * `recorded`: the runs in data/runs. `nano` and `mini`: studies of that size, trained anew on a GPU. `smoke`: toy models that any
 * adapter trains in seconds; they show that the machinery works, and nothing about the finding.
 */
export type Scale = "recorded" | "nano" | "mini" | "smoke";

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
  /** What would change the verdict, in a sentence. */
  change?: string;
  /** The comparisons that the outcome rests on. */
  parts: {
    name: string;
    outcome: Outcome;
    interval: Interval;
    /** How an interval of this comparison is judged, where not by the side of zero that it lies on. */
    judge?: (interval: Interval) => Outcome;
  }[];
}

/** Runs by the name of their study; studies that were not asked for are not in it. */
export type StudyRuns = ReadonlyMap<string, readonly RunRecord[]>;

/** Rows of data/paper by the file's name. */
export type PaperTables = Readonly<Record<string, readonly Row[]>>;

/**
 * A finding of the paper that rests on training runs: studies, and what to make of the losses.
 * To add one, write a file like block-ratio.ts and list it in index.ts.
 */
export interface Finding {
  /** Lower-case name, also the word on the command line. */
  name: string;
  title: string;
  /** File name of its notebook, without ".ipynb". */
  notebook: string;
  /** Files in data/paper that `tables`, `figures` and `verdicts` compare with. */
  paperTables: readonly string[];
  /** The first is the one that smoke and nano scale train unless others are asked for. */
  studies: readonly Study[];
  /** Tables by name, the first the main one; those whose studies are not among the runs are left out. */
  tables(runs: StudyRuns, paper: PaperTables): Record<string, Row[]>;
  /** SVGs by file name, drawn in the given document (a browser's, or jsdom's); left out likewise. */
  figures(runs: StudyRuns, paper: PaperTables, document: Document): Record<string, SVGSVGElement | HTMLElement>;
  /** Claims whose studies are among the runs. */
  verdicts(runs: StudyRuns, paper: PaperTables): Verdict[];
}

/** What a grid needs to know of a data set. */
export function describeData(dataset: Dataset): GridData {
  return { identity: dataIdentity(dataset), vocabSize: dataset.codec.vocabSize };
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

/** "2e19": a budget of FLOPs. */
export const scientific = (value: number) => value.toExponential().replace("+", "");

/**
 * "−0.021 [−0.030, −0.012]", or "−0.021 (one seed: no interval)".
 * @param text how its numbers are written; by default with their signs
 */
export function inWords({ mean, low, high }: Interval, text: (value: number) => string = signed): string {
  return Number.isFinite(low) ? `${text(mean)} [${text(low)}, ${text(high)}]` : `${text(mean)} (one seed: no interval)`;
}

/** Without the tables that have no rows. */
export function filled(tables: Record<string, Row[]>): Record<string, Row[]> {
  return Object.fromEntries(Object.entries(tables).filter(([, rows]) => rows.length > 0));
}
