/**
 * A study is one comparison: some models, trained alike. A finding rests on one or more of them. Its runs lie in data/runs under
 * the study's name; a run that two studies plan (the same model, data, schedule and seed) is trained and kept once.
 */

import type { ModelConfig } from "../config/types.js";
import type { PlannedRun } from "../runs/types.js";
import { adam, trapezoidShares } from "../train/defaults.js";
import { type GridData, type Protocol, protocols, type RunSize, recordedData } from "./protocol.js";

/** One of the compared models. Runs that differ in the seed alone share its label. */
export interface Variant {
  label: string;
  /** The model at a size; at "smoke" a toy with the same parts. */
  config: (size: RunSize, vocabSize: number) => ModelConfig;
  /** Peak learning rates, one run each; by default the study's. */
  rates?: readonly number[];
  /** Training tokens; by default the study's. */
  tokens?: (config: ModelConfig) => number;
  /** As the study's, where models differ in it. */
  warmupOf?: (config: ModelConfig) => number;
}

/** A run whose loss stopped being a number. */
interface DivergedRun {
  label: string;
  seed: number;
  /** Its peak learning rate, where the study tries several; without it, all of them diverged. */
  lr?: number;
  /** The first whose loss is not finite. */
  step: number;
}

export interface Study {
  /** The folder under data/runs, and the word on the command line. */
  name: string;
  /** What it compares, in a sentence. */
  about: string;
  size: Exclude<RunSize, "smoke">;
  /** What the recorded runs read. */
  data: keyof typeof recordedData;
  variants: readonly Variant[];
  seeds: readonly number[];
  /** Peak learning rates, one run each; by default the size's. */
  rates?: readonly number[];
  /** Training tokens a run; by default the size's. */
  tokens?: number;
  /** Have no result to record, and another try ends alike, for training is deterministic: the study is whole without them. */
  diverged?: readonly DivergedRun[];
  /** Planned, but not all of its runs are recorded yet: `recorded` scale leaves it out, and says so. */
  pending?: true;
  /** Tokens of the run whose warm-up all have (`TrainSpec.schedule.warmupOf`). */
  warmupOf?: number;
  /** What differs from the size's protocol; smoke runs keep theirs. */
  protocol?: Partial<Protocol>;
  /** Labels that smoke trains, where all of them would take minutes. */
  smokeLabels?: readonly string[];
}

export interface PlanOptions {
  /** "smoke" makes a toy of every model and trains it for a few steps. */
  size?: RunSize;
  /** Default: the data of the recorded runs. */
  data?: GridData;
  /** Default: the study's own; two at smoke size. */
  seeds?: readonly number[];
  /** Only these labels. */
  labels?: readonly string[];
  /** Training tokens a run, instead of the study's. */
  tokens?: number;
}

/**
 * The runs of a study, seed by seed: when time runs out, the seeds that are there are complete over all models.
 * Those that diverged are left out, unless size, data or tokens are others than the study's: they are other runs then.
 * @throws Error when a label is none of the study's, or a run that diverged is none of its runs
 */
export function planStudy(study: Study, options: PlanOptions = {}): PlannedRun[] {
  const { size = study.size, data = recordedData[study.data] } = options;
  const smoke = size === "smoke";
  const protocol: Protocol = { ...protocols[size], ...(smoke ? {} : study.protocol) };
  const labels = options.labels ?? (smoke ? study.smokeLabels : undefined);
  const known = study.variants.map(({ label }) => label);
  for (const label of labels ?? []) {
    if (!known.includes(label)) {
      throw new Error(`labels: "${label}" is not in the study ${study.name}; it has ${known.join(", ")}`);
    }
  }
  const ratesOf = ({ rates }: Variant, otherwise = protocol.lr) => rates ?? study.rates ?? [otherwise];
  const { lr: recordedRate } = { ...protocols[study.size], ...study.protocol };
  for (const { label, seed, lr } of study.diverged ?? []) {
    const variant = study.variants.find((candidate) => candidate.label === label);
    const tried = variant && (lr === undefined || ratesOf(variant, recordedRate).includes(lr));
    if (tried && study.seeds.includes(seed)) continue;
    const rate = lr === undefined ? "" : ` and learning rate ${lr}`;
    throw new Error(`diverged: the study ${study.name} has no run "${label}" with seed ${seed}${rate}`);
  }
  // Other models, texts or lengths may well train.
  const asRecorded = size === study.size && options.tokens === undefined && sameData(data, recordedData[study.data]);
  const gone = (label: string, seed: number, rate: number) =>
    asRecorded && study.diverged?.some((run) => run.label === label && run.seed === seed && (run.lr ?? rate) === rate);
  const seeds = options.seeds ?? (smoke ? study.seeds.slice(0, 2) : study.seeds);
  const variants = study.variants.filter(({ label }) => labels?.includes(label) ?? true);
  return seeds.flatMap((seed) =>
    variants.flatMap((variant) => {
      const { label, config: build, tokens, warmupOf: beginning } = variant;
      const rates = ratesOf(variant).filter((lr) => !gone(label, seed, lr));
      const config = build(size, data.vocabSize);
      const length =
        options.tokens ?? (smoke ? protocol.tokens : (tokens?.(config) ?? study.tokens ?? protocol.tokens));
      const shortest = beginning?.(config) ?? study.warmupOf;
      const warmupOf = smoke || shortest === length ? undefined : shortest;
      return rates.map((lr): PlannedRun => {
        const { batch, validation, tasks, precision } = protocol;
        return {
          finding: study.name,
          label,
          spec: {
            config,
            data: data.identity,
            tokens: length,
            batch,
            optimizer: { lr, ...adam },
            schedule: { ...trapezoidShares, ...(warmupOf && { warmupOf }) },
            seed,
            precision,
            validation,
            ...(tasks && { tasks }),
          },
        };
      });
    }),
  );
}

const sameData = ({ identity: a }: GridData, { identity: b }: GridData) =>
  a.sha256 === b.sha256 && a.tokenizerSha256 === b.tokenizerSha256;
