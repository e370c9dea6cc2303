/**
 * The comparisons that decide verdicts, once more: with models of four times the weights (mini, two seeds), and on bytes
 * (design §7). Whether a finding moves with size or tokenizer, these say.
 */

import { blockRatioStudies } from "./block-ratio-studies.js";
import { bestDesign, fusionStudies } from "./fusion-studies.js";
import { moeStudies } from "./moe-studies.js";
import { placementStudies } from "./placement-studies.js";
import type { Study } from "./study.js";

/**
 * Some variants of a study under another name.
 * @throws Error when the study is not among those given, or lacks a label: a list here would then be out of date
 */
function again(
  studies: readonly Study[],
  name: string,
  labels: readonly string[],
  change: Pick<Study, "name" | "about"> & Partial<Study>,
): Study {
  const study = studies.find((candidate) => candidate.name === name);
  if (!study) throw new Error(`repeats: there is no study ${name}`);
  const variants = labels.map((label) => {
    const found = study.variants.find((variant) => variant.label === label);
    if (!found) throw new Error(`repeats: the study ${name} has no variant ${label}`);
    return found;
  });
  // What diverged there need not do so at another size or on other data.
  return { ...study, diverged: undefined, ...change, variants };
}

const mini = { size: "mini", seeds: [0, 1] } as const;
const bytes = { data: "bytes" } as const;

export const blockRatioRepeats: readonly Study[] = [
  again(blockRatioStudies, "block-ratio", ["1:0", "1:1", "1:5", "0:1"], {
    ...mini,
    name: "block-ratio-mini",
    about: "The ratios again with 16M parameters",
  }),
  again(blockRatioStudies, "block-ratio-intra", ["1:5"], {
    ...mini,
    name: "block-ratio-intra-mini",
    about: "The intra-hybrid 1:5 again with 16M parameters",
  }),
  again(blockRatioStudies, "learning-rates", ["transformer", "mamba", "inter", "intra"], {
    ...mini,
    name: "learning-rates-mini",
    about: "Four architectures with 16M parameters at several peak learning rates, a quarter of the tokens, one seed",
    rates: [2e-3, 4e-3, 8e-3],
    tokens: 8_388_608,
    seeds: [0],
  }),
  again(blockRatioStudies, "learning-rates", ["transformer", "mamba", "inter", "intra"], {
    ...mini,
    name: "learning-rates-mini-long",
    about: "Four architectures with 16M parameters at two peak learning rates, as long as the compared runs, one seed",
    rates: [2e-3, 4e-3],
    tokens: undefined,
    seeds: [0],
    pending: true,
  }),
  again(blockRatioStudies, "seed-noise", ["1:5"], {
    ...mini,
    name: "seed-noise-mini",
    about: "The inter-hybrid 1:5 with 16M parameters and five seeds",
    seeds: [0, 1, 2, 3, 4],
  }),
];

const deciding = ["1:5 front", "1:5 middle"];

export const placementRepeats: readonly Study[] = [
  again(placementStudies, "placement", ["layer 1", "layer 7"], {
    ...mini,
    name: "placement-mini",
    about: "One attention layer first and in the middle, with 16M parameters",
  }),
  again(placementStudies, "placement-ratios", deciding, {
    ...mini,
    name: "placement-ratios-mini",
    about: "1:5 with attention first and in the middle, with 16M parameters",
  }),
  again(placementStudies, "placement-ratios", deciding, {
    ...bytes,
    name: "placement-ratios-bytes",
    about: "1:5 with attention first and in the middle, on bytes",
  }),
];

/** The paper's best design, and those that differ from it in the norm and in the output, the two axes with one clear effect. */
const designs = [bestDesign, "T/M Diff Sep Sep", "T/M Group Diff Sep Joint"];

export const fusionRepeats: readonly Study[] = [
  again(fusionStudies, "fusion", designs, {
    ...mini,
    name: "fusion-mini",
    about: "The best design, without norms, and with one output projection, with 16M parameters",
  }),
  again(fusionStudies, "fusion", designs, {
    ...bytes,
    name: "fusion-bytes",
    about: "The best design, without norms, and with one output projection, on bytes",
  }),
];

const bothKinds = ["transformer", "mamba", "inter", "intra"].flatMap((key) => [`${key} dense`, `${key} experts`]);

export const moeRepeats: readonly Study[] = [
  again(moeStudies, "moe", bothKinds, {
    ...mini,
    name: "moe-mini",
    about: "Dense and with experts, 16M active parameters",
  }),
  again(moeStudies, "moe", bothKinds, {
    ...bytes,
    name: "moe-bytes",
    about: "Dense and with experts, on bytes",
  }),
];
