/** What experts gain in each architecture: ours, paired by seed, and the paper's. */

import type { RunRecord } from "../runs/types.js";
import type { BySeed } from "./by-seed.js";
import type { Row } from "./finding.js";
import { lossesByLabel } from "./losses.js";
import { type FourArchitecture, fourArchitectures } from "./models.js";
import { architectureNamed } from "./paper-names.js";
import { differencesOf, type Interval, interval95 } from "./stats.js";

export const networks = ["dense", "experts"] as const;
type Network = (typeof networks)[number];

/** The label of a run of the mixture-of-experts studies. */
export const moeLabel = (model: FourArchitecture, network: Network) => `${model} ${network}`;

/** Loss with experts less loss of the dense model, in nats a token (of a model of bytes, a byte): below zero where experts help. */
export interface Gain {
  model: FourArchitecture;
  /** By seed; seeds that only one of the two was trained with are left out. */
  bySeed: BySeed;
  interval: Interval;
}

/** The gain of each architecture that has runs of both kinds. */
export function gains(runs: readonly RunRecord[]): Gain[] {
  const losses = lossesByLabel(runs);
  return fourArchitectures.flatMap((model) => {
    const [dense, experts] = networks.map((network) => losses.get(moeLabel(model, network)));
    if (!dense || !experts) return [];
    const bySeed = differencesOf(experts, dense);
    return [{ model, bySeed, interval: interval95([...bySeed.values()]) }];
  });
}

/** What sets a study apart from the main one. */
export interface MoeSetting {
  /** Ends titles and claims, such as ", on bytes". */
  words: string;
  /** What losses are a mean over. The paper's are a token's, of another tokenizer, and stand beside ours a token alone. */
  per: "token" | "byte";
}

/** A row of Table 4, 1B models. */
export interface PaperMoe {
  model: FourArchitecture;
  network: Network;
  /** On the DCLM validation set, nats a token. */
  nll: number;
  /** Mean of five few-shot tasks, percent. */
  accuracy: number;
}

export const moeTable = "table04_moe";

export function paperMoe(rows: readonly Row[]): PaperMoe[] {
  return rows.map(({ model, experts, nll_dclm, acc_avg }) => ({
    model: architectureNamed(String(model)),
    network: experts === "dense" ? "dense" : "experts",
    nll: Number(nll_dclm),
    accuracy: Number(acc_avg),
  }));
}

/** The paper's gain of an architecture. @throws Error when Table 4 lacks it */
export function paperGain(paper: readonly PaperMoe[], model: FourArchitecture): number {
  const [dense, experts] = networks.map((network) => {
    const row = paper.find((one) => one.model === model && one.network === network);
    if (!row) throw new Error(`moe: Table 4 has no ${network} ${model}`);
    return row.nll;
  });
  return experts - dense;
}
