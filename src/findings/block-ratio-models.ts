/** The models that the block-ratio finding compares, with their runs and losses. */

import { cost } from "../cost/index.js";
import type { RunRecord } from "../runs/types.js";
import { BLOCK_RATIOS, type BlockRatio } from "./block-ratio-studies.js";
import type { BySeed } from "./by-seed.js";
import type { StudyRuns } from "./finding.js";
import { lossesOf } from "./losses.js";
import { type Interval, pairedDifference } from "./stats.js";
import { type Architecture, architectureStyle } from "./theme.js";

/** Hybrids of attention layers, or of intra-hybrid layers, with Mamba-2 layers. */
export type Kind = "inter" | "intra";
/** The same tokens for all, or as many as the Transformer's training FLOPs pay for. */
export type Budget = "data" | "FLOPs";

/** Context of the decoding cache that tables and figures give. */
export const cacheContext = 8192;

export interface Model {
  /** "Transformer", "Mamba", "inter 1:5", "intra 1:5": unique within a budget. */
  name: string;
  architecture: Architecture;
  ratio: BlockRatio;
  budget: Budget;
  runs: readonly RunRecord[];
  losses: BySeed;
}

interface Source {
  study: string;
  kind: Kind;
  budget: Budget;
}

const sources: readonly Source[] = [
  { study: "block-ratio", kind: "inter", budget: "data" },
  { study: "block-ratio-intra", kind: "intra", budget: "data" },
  // The same models as in block-ratio, with more seeds.
  { study: "seed-noise", kind: "inter", budget: "data" },
  { study: "block-ratio-flops", kind: "inter", budget: "FLOPs" },
  { study: "block-ratio-mamba-flops", kind: "inter", budget: "FLOPs" },
  { study: "block-ratio-intra-flops", kind: "intra", budget: "FLOPs" },
];

/** The models of four times the weights (repeats.ts). */
export const miniSources: readonly Source[] = [
  { study: "block-ratio-mini", kind: "inter", budget: "data" },
  { study: "block-ratio-intra-mini", kind: "intra", budget: "data" },
  { study: "seed-noise-mini", kind: "inter", budget: "data" },
];

/** The architecture of a ratio: an intra-hybrid has attention in all of its layers at 1:0, an inter-hybrid of 0:1 is Mamba. */
function architectureAt(kind: Kind, ratio: BlockRatio): Architecture {
  if (ratio === "0:1") return "mamba";
  return kind === "inter" && ratio === "1:0" ? "transformer" : kind;
}

export function nameAt(kind: Kind, ratio: BlockRatio): string {
  const architecture = architectureAt(kind, ratio);
  return architecture === kind ? `${kind} ${ratio}` : architectureStyle(architecture).label;
}

/** All models of the studies that are there; a run that several of them hold counts once. Throws when a label is no ratio. */
export class Models {
  private readonly known: readonly Model[];

  /** @param from which studies; by default those of the finding's own size */
  constructor(runs: StudyRuns, from: readonly Source[] = sources) {
    const groups = new Map<string, { model: Omit<Model, "runs" | "losses">; runs: Map<string, RunRecord> }>();
    for (const { study, kind, budget } of from) {
      for (const run of runs.get(study) ?? []) {
        const ratio = ratioOf(run);
        const model = { name: nameAt(kind, ratio), architecture: architectureAt(kind, ratio), ratio, budget };
        const key = `${model.name}, ${budget}`;
        const group = groups.get(key) ?? { model, runs: new Map() };
        groups.set(key, group);
        if (!group.runs.has(run.id)) group.runs.set(run.id, run);
      }
    }
    this.known = [...groups.values()].map(({ model, runs: own }) => {
      const list = [...own.values()];
      return { ...model, runs: list, losses: lossesOf(list) };
    });
  }

  /** By name; at equal FLOPs the Transformer is the one of equal data, for its FLOPs are those that the others got. */
  find(name: string, budget: Budget = "data"): Model | undefined {
    const wanted = name === "Transformer" ? "data" : budget;
    return this.known.find((model) => model.name === name && model.budget === wanted);
  }

  /** Those of a kind and budget that there are, both ends included, most attention first. */
  ofKind(kind: Kind, budget: Budget = "data"): Model[] {
    return BLOCK_RATIOS.flatMap((ratio) => this.find(nameAt(kind, ratio), budget) ?? []);
  }

  /** Loss of one less loss of the other, paired by seed; `undefined` when either was not trained. */
  difference(a: string, b: string, budget: Budget = "data"): Interval | undefined {
    const [left, right] = [this.find(a, budget), this.find(b, budget)];
    return left && right && pairedDifference(left.losses, right.losses);
  }
}

function ratioOf({ id, label }: RunRecord): BlockRatio {
  const ratio = BLOCK_RATIOS.find((known) => known === label);
  if (!ratio) throw new Error(`block-ratio: run ${id} has the label "${label}", which is no ratio`);
  return ratio;
}

/** Layers with attention, alone or beside Mamba-2, over all layers. */
export function expensiveShare({ runs }: Model): number {
  const { pattern } = runs[0].spec.config;
  return attentionLayers(pattern) / pattern.length;
}

export function attentionLayers(pattern: string): number {
  return [...pattern].filter((letter) => letter !== "M").length;
}

/** Training FLOPs a token at the training length. */
export function flopsPerToken({ runs }: Model): number {
  const { config, batch } = runs[0].spec;
  return cost(config, { context: batch.length, tokens: 1 }).flopsPerToken;
}

/** Bytes of the decoding cache at 8K tokens. */
export function cacheBytes({ runs }: Model): number {
  return cost(runs[0].spec.config, { context: cacheContext, tokens: 1 }).cacheBytes;
}
