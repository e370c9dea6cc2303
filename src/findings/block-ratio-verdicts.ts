/** The three claims of Tables 5 and 16, judged by our runs. */

import { cost } from "../cost/index.js";
import type { RunRecord } from "../runs/types.js";
import { firstRun, lossDifference, lossesOf } from "./block-ratio-losses.js";
import { type PaperBlockRatio, paperDifference } from "./block-ratio-paper.js";
import { BLOCK_RATIOS, type BlockRatio } from "./block-ratio-studies.js";
import { inWords, type Verdict } from "./finding.js";
import { allOf, belowZero, type Interval, type Outcome, withinMargin } from "./stats.js";

const parents = ["1:0", "0:1"] as const;
const hybrids = ["1:1", "1:3", "1:5", "1:12"] as const;

/**
 * How much worse than 1:1 the 1:5 hybrid may be and still count as the balance: half of what the paper's 350M 1:1 hybrid
 * gains over its better parent (0.030 nats a token). Stated before any run was made.
 */
const balanceMargin = 0.015;

type Part = Verdict["parts"][number];
type Compare = (a: BlockRatio, b: BlockRatio, judge?: (interval: Interval) => Outcome) => Part;

/** Throws when a ratio has no runs, or two that are compared have different seeds. */
export function blockRatioVerdicts(runs: readonly RunRecord[], paper: readonly PaperBlockRatio[]): Verdict[] {
  const losses = lossesOf(runs);
  const compare: Compare = (a, b, judge = belowZero) => {
    const interval = lossDifference(losses, a, b);
    return { name: `${a} − ${b}`, interval, outcome: judge(interval) };
  };
  return [beatsBothParents(compare, paper), evenIsBest(compare, paper), balance(compare, runs, paper)];
}

function beatsBothParents(compare: Compare, paper: readonly PaperBlockRatio[]): Verdict {
  const parts = hybrids.flatMap((hybrid) => parents.map((parent) => compare(hybrid, parent)));
  const [transformer, mamba] = [compare("1:5", "1:0"), compare("1:5", "0:1")];
  return {
    claim: "Every inter-layer hybrid has a lower loss than the Transformer (1:0) and than Mamba (0:1).",
    paper: `Tables 5 and 16: 1:5 is ${paperDifference(paper, "1:5", "1:0")} against the Transformer, ${paperDifference(paper, "1:5", "0:1")} against Mamba.`,
    outcome: allOf(parts.map(({ outcome }) => outcome)),
    evidence: `${counted(parts)} 1:5 is ${inWords(transformer.interval)} against the Transformer, ${inWords(mamba.interval)} against Mamba.`,
    parts,
  };
}

function evenIsBest(compare: Compare, paper: readonly PaperBlockRatio[]): Verdict {
  const parts = BLOCK_RATIOS.filter((ratio) => ratio !== "1:1").map((other) => compare("1:1", other));
  return {
    claim: "1:1 has the lowest loss of all ratios.",
    paper: `Tables 5 and 16: 1:1 is ${paperDifference(paper, "1:1", "1:3")} against 1:3, the next best.`,
    outcome: allOf(parts.map(({ outcome }) => outcome)),
    evidence: `${counted(parts)} 1:1 is ${inWords(compare("1:1", "1:3").interval)} against 1:3.`,
    parts,
  };
}

function balance(compare: Compare, runs: readonly RunRecord[], paper: readonly PaperBlockRatio[]): Verdict {
  const loss = compare("1:5", "1:1", (interval) => withinMargin(interval, balanceMargin));
  const [few, many] = (["1:5", "1:1"] as const).map((ratio) =>
    cost(firstRun(runs, ratio).spec.config, { context: 8192, tokens: 1 }),
  );
  const saved = (a: number, b: number) => `${Math.round(100 * (1 - a / b))} %`;
  const cheaper = few.flopsPerToken < many.flopsPerToken && few.cacheBytes < many.cacheBytes;
  return {
    claim: `1:5 is the balance: at most ${balanceMargin} nats a token worse than 1:1, for fewer FLOPs and a smaller cache.`,
    paper: `Tables 5 and 16: 1:5 is ${paperDifference(paper, "1:5", "1:1")} against 1:1.`,
    outcome: cheaper ? loss.outcome : "contradicted",
    evidence: `1:5 is ${inWords(loss.interval)} against 1:1; at 8K it saves ${saved(few.flopsPerToken, many.flopsPerToken)} of the training FLOPs and ${saved(few.cacheBytes, many.cacheBytes)} of the cache.`,
    parts: [loss],
  };
}

function counted(parts: readonly Part[]): string {
  const named = (outcome: Outcome, word: string) => {
    const names = parts.filter((part) => part.outcome === outcome).map(({ name }) => name);
    return names.length > 0 ? `; ${word}: ${names.join(", ")}` : "";
  };
  const held = parts.filter(({ outcome }) => outcome === "reproduced").length;
  return `${held} of ${parts.length} comparisons hold${named("unresolved", "open")}${named("contradicted", "the other way")}.`;
}
