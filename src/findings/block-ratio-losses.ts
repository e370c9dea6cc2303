/** Losses of the block-ratio runs, by ratio and seed, and their paired differences. */

import type { RunRecord } from "../runs/types.js";
import { BLOCK_RATIOS, type BlockRatio } from "./block-ratio-studies.js";
import { type Interval, pairedDifference } from "./stats.js";

/** Validation losses by seed, nats a token. */
export type Losses = Map<BlockRatio, Map<number, number>>;

/** A point of the figure: the loss of a ratio less that of the Transformer, paired by seed. */
export interface RatioDifference {
  ratio: BlockRatio;
  /** Attention layers over all layers. */
  share: number;
  interval: Interval;
}

/** Collects losses by ratio and seed, in the order of `BLOCK_RATIOS`. Throws when a label is no ratio or a run occurs twice. */
export function lossesOf(runs: readonly RunRecord[]): Losses {
  const stranger = runs.find((run) => !(BLOCK_RATIOS as readonly string[]).includes(run.label));
  if (stranger) throw new Error(`block-ratio: run ${stranger.id} has the label "${stranger.label}", which is no ratio`);
  const losses: Losses = new Map();
  for (const ratio of BLOCK_RATIOS) {
    const own = runs.filter((run) => run.label === ratio);
    if (own.length === 0) continue;
    const bySeed = new Map(own.map((run) => [run.spec.seed, run.result.validation.nllPerToken]));
    if (bySeed.size < own.length) {
      throw new Error(`block-ratio: two runs of ${ratio} share a seed; compare one setting at a time`);
    }
    losses.set(ratio, bySeed);
  }
  return losses;
}

/** Loss of `a` less loss of `b`, paired by seed. Throws when either has no runs or the seeds differ. */
export function lossDifference(losses: Losses, a: BlockRatio, b: BlockRatio): Interval {
  const [left, right] = [losses.get(a), losses.get(b)];
  if (!left || !right) throw new Error(`block-ratio: there are no runs of ${left ? b : a}`);
  try {
    return pairedDifference(left, right);
  } catch (error) {
    throw new Error(`block-ratio, ${a} against ${b}: ${(error as Error).message}`);
  }
}

/** The figure's points, by growing share of attention. */
export function ratioDifferences(runs: readonly RunRecord[]): RatioDifference[] {
  const losses = lossesOf(runs);
  return [...losses.keys()]
    .map((ratio) => {
      const { pattern } = firstRun(runs, ratio).spec.config;
      return {
        ratio,
        share: attentionLayers(pattern) / pattern.length,
        interval: lossDifference(losses, ratio, "1:0"),
      };
    })
    .sort((a, b) => a.share - b.share);
}

export function attentionLayers(pattern: string): number {
  return [...pattern].filter((letter) => letter === "T").length;
}

export function firstRun(runs: readonly RunRecord[], ratio: BlockRatio): RunRecord {
  const run = runs.find(({ label }) => label === ratio);
  if (!run) throw new Error(`block-ratio: there are no runs of ${ratio}`);
  return run;
}
