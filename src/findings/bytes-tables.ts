/** The tables of the bytes finding: losses, how leads change, what a vocabulary costs, and the check of learning rates. */

import type { ModelConfig } from "../config/types.js";
import { accuracies } from "./accuracy.js";
import { type BySeed, valuesOf } from "./by-seed.js";
import { lead, leadChanges, type SettingRuns, trainFlops } from "./bytes-settings.js";
import { trainBytesPerToken } from "./bytes-studies.js";
import { type Row, rounded } from "./finding.js";
import { type FourArchitecture, fourArchitectures } from "./models.js";
import { differenceColumns, seedColumns } from "./result-columns.js";
import { inNoise, scatter } from "./seed-noise.js";
import { architectureStyle } from "./theme.js";

/**
 * One row a setting and architecture. Losses in nats a byte; `vs…` are paired differences of them with the half-width of their 95 %
 * interval behind; accuracies in per cent. `textBytes` is what training read: BPE tokens stand for 3.559 bytes each there.
 */
export function lossTable(settings: readonly SettingRuns[]): Row[] {
  return settings.flatMap((setting) =>
    fourArchitectures.map((architecture): Row => {
      const own = setting.runs.filter(({ label }) => label === architecture);
      const perByte = [...valuesOf(setting.losses, architecture).values()];
      const [{ spec, result }] = own;
      return {
        setting: setting.name,
        architecture: architectureStyle(architecture).label,
        tokens: result.tokens,
        textBytes: Math.round(result.tokens * (spec.data.tokenizer === "bytes" ? 1 : trainBytesPerToken)),
        params: result.params.nonEmbedding,
        lr: spec.optimizer.lr,
        ...seedColumns("nllPerByte", perByte),
        ...differenceColumns("vsTransformer", lead(setting, architecture)),
        ...differenceColumns("vsMamba", lead(setting, architecture, "mamba")),
        ...accuracies(own),
        scoredBytes: result.validation.bytes,
      };
    }),
  );
}

/** The lead over the Transformer on bytes and on BPE tokens, nats a byte (below zero: ahead of it), and the difference of the two. */
export function leadTable(settings: readonly SettingRuns[]): Row[] {
  return (["mamba", "inter", "intra"] as const).flatMap((architecture) =>
    leadChanges(settings, architecture).map(
      ({ bpe, onBytes, onBpe, change }): Row => ({
        architecture: architectureStyle(architecture).label,
        against: bpe.name,
        onBytes: rounded(onBytes.mean, 4),
        onBpe: rounded(onBpe.mean, 4),
        change: rounded(change.mean, 4),
        low: rounded(change.low, 4),
        high: rounded(change.high, 4),
        seeds: change.n,
      }),
    ),
  );
}

/**
 * The hybrids and Mamba-2 against both parents on bytes, nats a byte, with the 95 % interval. `noise` is the standard deviation over
 * seeds of the noisier of the two models, `inNoise` how many times that the difference is. Empty without two seeds on bytes.
 * @param inter the inter-hybrid's losses, where more of its seeds are there than of the others
 */
export function effectTable(settings: readonly SettingRuns[], inter: BySeed): Row[] {
  const setting = settings.find(({ study }) => study === "bytes");
  if (!setting || new Set(setting.runs.map(({ spec }) => spec.seed)).size < 2) return [];
  const scatterOf = (architecture: FourArchitecture) => {
    const own = valuesOf(setting.losses, architecture);
    return scatter(architecture === "inter" && inter.size > own.size ? inter : own);
  };
  const compared = [
    ["mamba", "transformer"],
    ["inter", "transformer"],
    ["intra", "transformer"],
    ["inter", "mamba"],
    ["intra", "mamba"],
  ] as const;
  return compared.map(([a, b]): Row => {
    const { mean: difference, low, high, n } = lead(setting, a, b);
    const noise = Math.max(scatterOf(a), scatterOf(b));
    return {
      comparison: `${architectureStyle(a).label} − ${architectureStyle(b).label}`,
      difference: rounded(difference, 4),
      low: rounded(low, 4),
      high: rounded(high, 4),
      noise: rounded(noise, 4),
      inNoise: inNoise(difference, noise),
      seeds: n,
    };
  });
}

/**
 * Training FLOPs of each run: as the paper counts them, without embedding and output, and with the output product, which is
 * 6 · vocabulary · dModel a token. Rows for the settings that are there.
 */
export function costTable(settings: readonly SettingRuns[]): Row[] {
  return settings.flatMap((setting) =>
    fourArchitectures.map((architecture): Row => {
      const { spec, result } = setting.runs.find(({ label }) => label === architecture)!;
      const flops = trainFlops(setting, architecture);
      const withOutput = flops + result.tokens * outputFlops(spec.config);
      return {
        setting: setting.name,
        architecture: architectureStyle(architecture).label,
        vocabulary: spec.config.vocabSize,
        totalParams: result.params.total,
        petaFlops: rounded(flops / 1e15, 4),
        petaFlopsWithOutput: rounded(withOutput / 1e15, 4),
        outputShare: rounded(1 - flops / withOutput, 4),
      };
    }),
  );
}

const outputFlops = ({ vocabSize, dModel }: ModelConfig): number => 6 * vocabSize * dModel;
