/** Judges a claim of the block-ratio finding by its comparisons, and puts the paper's numbers and ours into words. */

import type { Budget, Models } from "./block-ratio-models.js";
import { type PaperModel, paperGap, paperModel } from "./block-ratio-paper.js";
import { seedsInWords } from "./change.js";
import { counted, judge, type Part, part } from "./claims.js";
import { inWords, type Verdict } from "./finding.js";
import { paperSizes } from "./paper-names.js";
import { allOf, belowZero, type Interval, withinMargin } from "./stats.js";

/** A claim about the paper's ratios, in words. */
interface RatioClaim {
  claim: string;
  paper: string;
  /** The comparisons whose numbers the evidence gives; the others are counted. */
  shown: readonly (readonly [string, string])[];
  budget?: Budget;
  /** Judges "worse by no more than this" instead of "lower". */
  margin?: number;
  /** Said after the evidence. */
  more?: string;
}

/** Compares the pairs, first less second; no verdict when a model is not there. */
export function judged(
  models: Models,
  paper: readonly PaperModel[],
  pairs: readonly (readonly [string, string])[],
  { budget, margin, more = "", shown, ...printed }: RatioClaim,
): Verdict[] {
  const outcomeOf = (interval: Interval) =>
    margin === undefined ? belowZero(interval) : withinMargin(interval, margin);
  const name = (a: string, b: string) => `${a} − ${b}${budget === "FLOPs" ? ", equal FLOPs" : ""}`;
  const told = ([a, b]: readonly [string, string], parts: readonly Part[]) =>
    `${inWords(parts.find((known) => known.name === name(a, b))!.interval)} against ${theName(b)}`;
  return judge({
    ...printed,
    parts: pairs.map(([a, b]) => part(name(a, b), models.difference(a, b, budget), outcomeOf)),
    evidence: (parts) =>
      `${parts.length > 1 ? `${counted(parts)} ` : ""}${shown[0][0]} is ${shown.map((pair) => told(pair, parts)).join(" and ")}.${more}`,
    change: (parts) => {
      const open = allOf(parts.map(({ outcome }) => outcome)) === "unresolved";
      return (
        (open ? seedsInWords(parts, margin) : undefined) ??
        `Seeds that disagree with those here, larger models, or more tokens a parameter: ${tokensAParameter(models, paper)}.`
      );
    },
  });
}

export const theName = (name: string) => (name === "Transformer" ? "the Transformer" : name);

/** "here 9, in the paper 171 (350M) and 62 (1B)": of the Transformers. */
function tokensAParameter(models: Models, paper: readonly PaperModel[]): string {
  const theirs = paperSizes.map((size) => {
    const { tokens, params } = paperModel(paper, size, "Transformer");
    return `${Math.round(tokens / params)} (${size})`;
  });
  const own = models.find("Transformer")?.runs[0].result;
  const ours = own ? `here ${Math.round(own.tokens / own.params.nonEmbedding)}, ` : "";
  return `${ours}in the paper ${theirs.join(" and ")}`;
}

/** "lower in 8 of 8 at 350M and 8 of 8 at 1B": by the paper's printed losses. */
export function holding(
  paper: readonly PaperModel[],
  pairs: readonly (readonly [string, string])[],
  budget: Budget = "data",
): string {
  const counts = paperSizes.map((size) => {
    const held = pairs.filter((pair) => paperGap(paper, size, pair, budget) < 0).length;
    return `${held} of ${pairs.length} at ${size}`;
  });
  return `lower in ${counts.join(" and ")}`;
}
