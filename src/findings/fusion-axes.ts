/**
 * Pairs of the designs of Table 18 that differ in one axis alone, and what the paper measured of them. Designs with another output
 * or value have another number of layers at equal weights, which belongs to the choice.
 */

import type { PaperTables } from "./finding.js";
import { type FusionColumns, type FusionDesign, fusionDesigns } from "./fusion-designs.js";
import { fusionTables } from "./fusion-designs-params.js";
import { type PaperSize, presetOf } from "./paper-names.js";

type Column = "norm" | "scalar" | "fusion" | "value" | "out";

/** One choice against another on an axis; a negative effect means that `a` is better. */
export interface FusionAxis {
  name: string;
  column: Column;
  a: FusionColumns[Column];
  b: FusionColumns[Column];
}

export const fusionAxes: readonly FusionAxis[] = [
  { name: "group norm − none", column: "norm", a: "Group", b: "" },
  { name: "vector scale − none", column: "scalar", a: "Scale", b: "" },
  { name: "Diff-T's scalar − none", column: "scalar", a: "Diff-T", b: "" },
  { name: "subtract − add", column: "fusion", a: "Diff", b: "Add" },
  { name: "concatenate − add", column: "fusion", a: "Conc", b: "Add" },
  { name: "concatenate − subtract", column: "fusion", a: "Conc", b: "Diff" },
  { name: "shared value − separate", column: "value", a: "Joint", b: "Sep" },
  { name: "separate output − joint", column: "out", a: "Sep", b: "Joint" },
];

/** The axis of a name. Throws when there is none. */
export function fusionAxis(name: string): FusionAxis {
  const axis = fusionAxes.find((known) => known.name === name);
  if (!axis) throw new Error(`fusion: no axis is called "${name}"`);
  return axis;
}

export interface FusionPair {
  axis: FusionAxis;
  a: FusionDesign;
  b: FusionDesign;
  /**
   * Both are the same model but for the sign of some weights, which are drawn alike with either: attention is subtracted by adding it
   * with the sign of its own output projection turned, or of its own values, which norm and scales hand on. What such a pair differs by
   * is noise.
   */
  same: boolean;
}

/** The designs by their columns alone: those of the smallest size, which are not matched in weights and cost nothing to make. */
export function designsWith(labels: readonly string[]): FusionDesign[] {
  return fusionDesigns("smoke").filter(({ label }) => labels.includes(label));
}

/** The pairs of an axis among the designs with these labels, which are those of `fusionDesigns`. */
export function pairsOf(axis: FusionAxis, labels: readonly string[]): FusionPair[] {
  const designs = designsWith(labels);
  const { column } = axis;
  const columns: Column[] = ["norm", "scalar", "fusion", "value", "out"];
  const rest = (design: FusionDesign) => columns.map((name) => (name === column ? "" : design[name])).join("|");
  return designs
    .filter((a) => a[column] === axis.a)
    .flatMap((a) =>
      designs
        .filter((b) => b[column] === axis.b && rest(a) === rest(b))
        .map((b) => ({ axis, a, b, same: axis.name === "subtract − add" && signTurns(a) })),
    );
}

/** Whether attention has weights of its own that turn its sign. */
const signTurns = ({ value, out }: FusionDesign) => value === "Sep" || out === "Sep";

/** Loss of a design on DCLM as printed in Table 18 (1B) or 19 (350M), nats a token. */
export function paperLoss(paper: PaperTables, size: PaperSize, { row, label }: FusionDesign): number {
  const table = fusionTables[presetOf(size)];
  const loss = paper[table][row - 1]?.nll_dclm;
  if (typeof loss !== "number") throw new Error(`data/paper/${table}.csv: row ${row} (${label}) has no nll_dclm`);
  return loss;
}

/** What the paper's two models of a pair differ by. */
export function paperEffect(paper: PaperTables, size: PaperSize, { a, b }: FusionPair): number {
  return paperLoss(paper, size, a) - paperLoss(paper, size, b);
}
