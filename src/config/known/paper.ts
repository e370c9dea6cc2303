/** The paper's own hybrids at its four sizes (Tables 8 and 15). */

import { familyPattern, PAPER_SIZES, preset } from "../presets.js";
import type { ModelConfig } from "../types.js";
import { type KnownModel, tinyOf } from "./model.js";

type PaperSize = (typeof PAPER_SIZES)[number];

/** Billions of non-embedding weights as Table 15 prints them. */
const PRINTED: Record<"inter" | "intra", Record<PaperSize, number>> = {
  inter: { "100m": 0.09, "350m": 0.35, "1b": 0.96, "3b": 2.81 },
  intra: { "100m": 0.1, "350m": 0.36, "1b": 0.98, "3b": 2.89 },
};

const DIFFERENCES: Partial<Record<string, string>> = {
  "intra-h-100m": "none meant: the dimensions that Table 15 prints beside 0.10B give 0.095B",
  "intra-h-3b": "none meant: the dimensions that Tables 15 and 20 print beside 2.89B give 2.902B",
};

const small = {
  dModel: 32,
  ssm: { dSsm: 64, headDim: 16, dState: 16, chunk: 16 },
  attention: { heads: 4, kvHeads: 2, headDim: 8 },
  ffn: { dFfn: 64 },
};

const tiny = {
  inter: (config: ModelConfig) => tinyOf(config, { ...small, pattern: "MMTM" }),
  intra: (config: ModelConfig) =>
    tinyOf(config, { ...small, pattern: "MMHM", hybrid: { heads: 4, kvHeads: 2, dQk: 16, dSsm: 32 } }),
};

export const paper: KnownModel[] = (["inter", "intra"] as const).flatMap((family) =>
  PAPER_SIZES.map((size) => {
    const config = () => preset(size, { pattern: familyPattern(size, family) });
    return {
      name: `${family}-h-${size}`,
      family: family === "inter" ? "Inter-H" : "Intra-H",
      published: PRINTED[family][size] * 1e9,
      unit: 1e7,
      counted: "non-embedding" as const,
      source: "arXiv:2510.04800v3, Tables 8 and 15",
      differences: DIFFERENCES[`${family}-h-${size}`] ?? "",
      config,
      tiny: () => tiny[family](config()),
    };
  }),
);
