/** Which models and runs the block-ratio finding compares (Tables 5, 9, 10 and 16). */

import { BLOCK_RATIOS, blockRatioPattern, ratioPattern } from "../config/index.js";
import type { ModelConfig } from "../config/types.js";
import { cost, matchFlops } from "../cost/index.js";
import { architectureModel, fourArchitectures, hybridLayers, patternModel } from "./models.js";
import { protocols } from "./protocol.js";
import type { Study, Variant } from "./study.js";

export { BLOCK_RATIOS };
export type BlockRatio = (typeof BLOCK_RATIOS)[number];

/** Layers of the smoke models: the fewest that hold the ratio. They are not matched in parameters. */
const smokePatterns: Readonly<Record<BlockRatio, string>> = {
  "1:0": "TT",
  "1:1": "MT",
  "1:3": "MMTM",
  "1:5": "MMTMMM",
  "1:12": "MMMMMMTMMMMMM",
  "0:1": "MM",
};

/** The layers are those of Table 16's 1B models: 16 of attention, 14 of both halves, 13 of the others. */
const inter = (ratio: BlockRatio): Variant => ({
  label: ratio,
  config: (size, vocabSize) =>
    patternModel(size === "smoke" ? "" : blockRatioPattern(size, ratio), smokePatterns[ratio])(size, vocabSize),
});

/** 13 layers at every ratio, as in Table 9; intra-hybrid layers spread as the paper's "scatter" (Table 21). */
const intra = (ratio: BlockRatio): Variant => ({
  label: ratio,
  config: patternModel(
    ratioPattern(ratio, { layers: hybridLayers, place: "scatter", expensive: "H", cheap: "M" }),
    smokePatterns[ratio].replaceAll("T", "H"),
  ),
});

/** The tokens that cost a model as much as `protocols.nano.tokens` cost the Transformer, in training FLOPs. */
const tokensOfTransformer = (config: ModelConfig): number => {
  const { batch, tokens } = protocols.nano;
  const transformer = architectureModel("transformer")("nano", config.vocabSize);
  const flops = cost(transformer, { context: batch.length, tokens }).trainFlops;
  const perStep = batch.sequences * batch.length;
  return perStep * Math.round(matchFlops(config, flops, batch.length) / perStep);
};

/** Any longer run goes on from the beginning of the equal-data run. */
const equalFlops = (variant: Variant): Variant => ({ ...variant, tokens: tokensOfTransformer });

const hybrids = BLOCK_RATIOS.filter((ratio) => ratio !== "0:1");
const mixtures = hybrids.filter((ratio) => ratio !== "1:0");
const nano = { size: "nano", data: "bpe", seeds: [0, 1, 2] } as const;

export const blockRatioStudies: readonly Study[] = [
  {
    ...nano,
    name: "block-ratio",
    about: "Six ratios of attention to Mamba-2 layers, equal data",
    variants: BLOCK_RATIOS.map(inter),
  },
  {
    ...nano,
    name: "block-ratio-intra",
    about: "Six ratios of intra-hybrid to Mamba-2 layers, equal data (0:1 is Mamba itself)",
    variants: BLOCK_RATIOS.map(intra),
  },
  {
    ...nano,
    name: "block-ratio-flops",
    about: "Inter-hybrids trained for the Transformer's FLOPs",
    variants: mixtures.map(inter).map(equalFlops),
    warmupOf: protocols.nano.tokens,
  },
  {
    ...nano,
    name: "block-ratio-mamba-flops",
    about: "Mamba-2 trained for the Transformer's FLOPs",
    variants: [equalFlops(inter("0:1"))],
    warmupOf: protocols.nano.tokens,
  },
  {
    ...nano,
    name: "block-ratio-intra-flops",
    about: "The intra-hybrid ratios, trained for the Transformer's FLOPs",
    variants: hybrids.map(intra).map(equalFlops),
    warmupOf: protocols.nano.tokens,
  },
  {
    ...nano,
    name: "learning-rates",
    about: "Both parents and both 1:5 hybrids at several peak learning rates, half as many tokens, one seed",
    variants: fourArchitectures.map((key) => ({ label: key, config: architectureModel(key) })),
    rates: [3e-3, 6e-3, 12e-3],
    tokens: protocols.nano.tokens / 2,
    seeds: [0],
  },
  {
    ...nano,
    name: "seed-noise",
    about: "Both parents and the 1:5 inter-hybrid with five seeds: how much a seed alone moves a loss",
    variants: (["1:0", "1:5", "0:1"] as const).map(inter),
    seeds: [0, 1, 2, 3, 4],
  },
];
