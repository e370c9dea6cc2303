/** The three settings of the bytes finding: what the models read, and their losses a byte in each. */

import { cost } from "../cost/index.js";
import type { RunRecord } from "../runs/types.js";
import { type ByLabel, type BySeed, byLabelAndSeed, differenceOf, differencesBySeed } from "./by-seed.js";
import type { StudyRuns } from "./finding.js";
import type { FourArchitecture } from "./models.js";
import { type Interval, pairedDifference } from "./stats.js";

interface Setting {
  study: "bytes" | "bytes-bpe-text" | "bytes-bpe-flops";
  /** How tables and figures name it. */
  name: string;
}

const bytesSetting: Setting = { study: "bytes", name: "bytes" };
/** What bytes are compared with: as much text, and as many FLOPs without those of the vocabulary. */
const bpeSettings: readonly Setting[] = [
  { study: "bytes-bpe-text", name: "BPE, equal text" },
  { study: "bytes-bpe-flops", name: "BPE, equal FLOPs" },
];

/** One setting whose runs are there. */
export interface SettingRuns extends Setting {
  runs: readonly RunRecord[];
  /** Validation loss in nats a byte, by architecture and seed. */
  losses: ByLabel;
}

/** Those of the three settings that have runs, bytes first. @throws Error when two runs of an architecture share a seed */
export function settingsOf(studies: StudyRuns): SettingRuns[] {
  return [bytesSetting, ...bpeSettings].flatMap((setting) => {
    const runs = studies.get(setting.study) ?? [];
    return runs.length > 0 ? [{ ...setting, runs, losses: byLabelAndSeed(runs, lossPerByte) }] : [];
  });
}

/** Losses in nats a byte of the inter-hybrid on bytes by seed, of the study of five seeds; empty when that has no runs. */
export const seedsOnBytes = (studies: StudyRuns): BySeed =>
  byLabelAndSeed(studies.get("bytes-seed-noise") ?? [], lossPerByte).get("inter") ?? new Map();

const lossPerByte = ({ result }: RunRecord): number => result.validation.nllPerByte;

/** The loss of `a` less that of `b` in a setting: below zero, `a` leads. @throws Error when runs or seeds are missing */
export function lead({ losses }: SettingRuns, a: FourArchitecture, b: FourArchitecture = "transformer"): Interval {
  return differenceOf(losses, a, b);
}

/** Training FLOPs of a run of an architecture, as the paper counts them: without embedding and output. @throws Error when it has no runs */
export function trainFlops({ name, runs }: SettingRuns, architecture: FourArchitecture): number {
  const run = runs.find(({ label }) => label === architecture);
  if (!run) throw new Error(`${name}: there are no runs of ${architecture}`);
  const { config, batch } = run.spec;
  return cost(config, { context: batch.length, tokens: run.result.tokens }).trainFlops;
}

/** How a lead differs between bytes and BPE tokens. */
export interface LeadChange {
  bpe: SettingRuns;
  architecture: FourArchitecture;
  onBytes: Interval;
  onBpe: Interval;
  /** The lead on bytes less that on BPE tokens, paired by seed: below zero, bytes favour the architecture. */
  change: Interval;
}

/** The change of an architecture's lead over the Transformer, against each BPE setting that has runs; none without runs on bytes. */
export function leadChanges(settings: readonly SettingRuns[], architecture: FourArchitecture): LeadChange[] {
  const bytes = settings.find(({ study }) => study === bytesSetting.study);
  if (!bytes) return [];
  const leads = ({ losses }: SettingRuns) => differencesBySeed(losses, architecture, "transformer");
  return settings
    .filter((setting) => setting !== bytes)
    .map((bpe) => ({
      bpe,
      architecture,
      onBytes: lead(bytes, architecture),
      onBpe: lead(bpe, architecture),
      change: pairedDifference(leads(bytes), leads(bpe)),
    }));
}
