/** Which models and runs the fusion finding compares: all-hybrid models (Tables 6, 18 to 20, Appendix Q). */

import { preset } from "../config/index.js";
import { parseConfig } from "../config/schema.js";
import type { HybridConfig, ModelConfig } from "../config/types.js";
import type { RunRecord } from "../runs/types.js";
import type { StudyRuns } from "./finding.js";
import { type FusionDesign, fusionDesigns } from "./fusion-designs.js";
import { hybridLayers, matched, toy } from "./models.js";
import { protocols, type RunSize } from "./protocol.js";
import type { Study, Variant } from "./study.js";

const made = new Map<string, FusionDesign[]>();

/** All designs of a size are matched to each other, which takes a while: once for a size and vocabulary. */
function designsOf(size: RunSize, vocabSize?: number): FusionDesign[] {
  const name = `${size} ${vocabSize}`;
  const known = made.get(name) ?? fusionDesigns(size, vocabSize);
  made.set(name, known);
  return known;
}

/** Every design of Table 18 that puts attention and Mamba-2 into a layer without Diff-T's scalar: each has a neighbour that differs in one axis. */
const designs: readonly FusionDesign[] = designsOf("nano").filter(
  ({ module, model, scalar }) =>
    (module === "T/M" || model === "Hymba" || model === "Falcon-H1") && scalar !== "Diff-T",
);

/** The five with that scalar: neighbours of those, and of one another, in one axis. */
const scaled: readonly FusionDesign[] = designsOf("nano").filter(
  ({ module, scalar }) => module === "T/M" && scalar === "Diff-T",
);

/** Labels of the designs that are compared: those of `fusion`, and the scaled ones where they are among the runs or `all` are meant. */
export const comparedDesigns = (runs: StudyRuns | "all"): string[] =>
  [...designs, ...(runs === "all" || runs.has("fusion-scalar") ? scaled : [])].map(({ label }) => label);

/** Runs of the designs that are compared. */
export const designRuns = (runs: StudyRuns): RunRecord[] =>
  ["fusion", "fusion-scalar"].flatMap((study) => [...(runs.get(study) ?? [])]);

/** The paper's best: what an `H` layer is where nothing else is said. */
export const bestDesign = "T/M Group Diff Sep Sep";

const design = ({ row, label }: FusionDesign): Variant => ({
  label,
  config: (size, vocabSize) => {
    // Its options left out: the same run as the all-hybrid model of the block ratios.
    if (label === bestDesign) return hybrid(() => ({}))(size, vocabSize);
    const { config } = designsOf(size, vocabSize)[row - 1];
    return size === "smoke" ? config : matched(config, size);
  },
});

/**
 * Table 20 at 1B, as parts of the model's width: queries, and Mamba before its expansion. 1:1 is the preset's half and half, where the paper
 * has 9/16 of each, and these models fuse as the paper's best design does, where Table 20's concatenate.
 */
export const dimensionRatios = {
  "2:1": [7 / 8, 1 / 2],
  "1:1": [1 / 2, 1 / 2],
  "1:2": [1 / 4, 5 / 8],
  "1:10": [1 / 16, 11 / 16],
} as const;

const hybrid = (change: (dModel: number, known: HybridConfig) => Partial<HybridConfig>) => {
  return (size: RunSize, vocabSize: number): ModelConfig => {
    const pattern = "H".repeat(size === "smoke" ? 2 : hybridLayers);
    const base = size === "smoke" ? toy(pattern, vocabSize) : preset(size, { pattern, vocabSize });
    const known = base.hybrid as HybridConfig;
    const config = parseConfig({ ...base, hybrid: { ...known, ...change(base.dModel, known) } });
    return size === "smoke" ? config : matched(config, size);
  };
};

/**
 * Widths rounded to four numbers a head, as the kernels read them; both branches have the preset's heads. At nano size 1:10 is
 * nearer 1:6 for that (16 numbers of queries instead of 8, against 88 of Mamba before its expansion).
 */
const ratio = (label: keyof typeof dimensionRatios): Variant => {
  const [query, ssm] = dimensionRatios[label];
  const config = hybrid((dModel, { heads }) => {
    const whole = (width: number) => 4 * heads * Math.max(1, Math.round(width / (4 * heads)));
    // The preset's own, and so the same runs as elsewhere.
    return label === "1:1" ? {} : { dQk: whole(query * dModel), dSsm: whole(2 * ssm * dModel) };
  });
  return { label, config };
};

const nano = { size: "nano", data: "bpe", seeds: [0, 1, 2] } as const;

/** The best design and the one without norms at several rates: an effect of the norm may be one of the rate. */
const norms = [bestDesign, "T/M Diff Sep Sep"];

export const fusionStudies: readonly Study[] = [
  {
    ...nano,
    name: "fusion",
    about: "Designs of Table 18 that differ in one axis: norm, scale, fusion, value, output",
    variants: designs.map(design),
  },
  {
    ...nano,
    name: "fusion-scalar",
    about:
      "The designs of Table 18 with the scalar of the Differential Transformer: two more pairs of the norm, five of other axes",
    variants: scaled.map(design),
    pending: true,
  },
  {
    ...nano,
    name: "fusion-dimensions",
    about: "Attention's width against Mamba-2's inside a hybrid layer (Table 20)",
    variants: (Object.keys(dimensionRatios) as (keyof typeof dimensionRatios)[]).map(ratio),
  },
  {
    ...nano,
    name: "fusion-alpha",
    about: "α · Mamba-2 + (1 − α) · attention with a learned α (Appendix Q)",
    variants: [
      { label: "learned α", config: hybrid(() => ({ norm: "group", scale: "alpha", fusion: "add", output: "joint" })) },
    ],
  },
  {
    ...nano,
    name: "fusion-learning-rates",
    about: "The best design and the one without norms at several peak learning rates, half as many tokens, one seed",
    variants: designs.filter(({ label }) => norms.includes(label)).map(design),
    rates: [3e-3, 6e-3, 12e-3],
    tokens: protocols.nano.tokens / 2,
    seeds: [0],
    pending: true,
  },
];
