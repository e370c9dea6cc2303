/** The paper's own hybrids at its four sizes (Table 15), and the small sizes' nano as their tiny variant. */

import { familyPattern, PAPER_SIZES, preset, type Size } from "../presets.js";
import type { KnownModel } from "./model.js";

/** Billions of non-embedding weights as Table 15 prints them. */
const PRINTED: Record<"inter" | "intra", Record<(typeof PAPER_SIZES)[number], number>> = {
  inter: { "100m": 0.09, "350m": 0.35, "1b": 0.96, "3b": 2.81 },
  intra: { "100m": 0.1, "350m": 0.36, "1b": 0.98, "3b": 2.89 },
};

export const paper: KnownModel[] = (["inter"] as const).flatMap((family) =>
  PAPER_SIZES.map((size) => ({
    name: `${family}-h-${size}`,
    family: family === "inter" ? "Inter-H" : "Intra-H",
    published: PRINTED[family][size] * 1e9,
    unit: 1e7,
    counted: "non-embedding" as const,
    source: "arXiv:2510.04800v3, Tables 8 and 15",
    differences: "",
    config: () => model(family, size),
    tiny: () => preset("nano", { pattern: family === "inter" ? "MMTM" : "MMHM" }),
  })),
);

function model(family: "inter" | "intra", size: Size) {
  return preset(size, { pattern: familyPattern(size, family) });
}
