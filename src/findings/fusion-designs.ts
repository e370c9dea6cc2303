/**
 * The 25 ways of putting attention and Mamba-2 into one layer that Tables 18 (1B) and 19 (350M) compare, as configs. The paper
 * prints columns and block counts, but no dimensions for most rows: `readings` says what is assumed for each kind of row,
 * and `fusion-designs-params.ts` holds that against the printed parameter counts.
 */

import { countParameters, matchParameters, preset } from "../config/index.js";
import { parseConfig } from "../config/schema.js";
import type { HybridConfig, ModelConfig } from "../config/types.js";
import { toy } from "./models.js";

/** The paper's two sizes of these tables, those that can be trained here, and one that any adapter trains in seconds. */
export const FUSION_SIZES = ["1b", "350m", "mini", "micro", "nano", "smoke"] as const;
export type FusionSize = (typeof FUSION_SIZES)[number];

/** Columns of Tables 18 and 19; "" for a cell left empty. */
export interface FusionColumns {
  model: string;
  module: "" | "T/T" | "M/M" | "T/M";
  norm: "" | "Group";
  scalar: "" | "Scale" | "Diff-T" | "Diff-M";
  fusion: "" | "Add" | "Diff" | "Conc";
  value: "" | "Sep" | "Joint";
  out: "" | "Sep" | "Joint";
}

export interface FusionDesign extends FusionColumns {
  /** 1-based, in both tables. */
  row: number;
  /** The model's name, or the columns of a variant: "T/M Group Add Sep Sep". */
  label: string;
  config: ModelConfig;
}

/** The kinds of rows, each with its block counts. */
export type FusionKind =
  | "attention"
  | "mamba"
  | "differential attention"
  | "differential mamba"
  | "shared"
  | "joint"
  | "apart";

/** What is assumed about the dimensions of a kind of row. */
export const readings: Readonly<Record<FusionKind, string>> = {
  attention: "the attention blocks of Table 8",
  mamba: "the Mamba blocks of Table 8",
  "differential attention": "heads of Table 8 in pairs",
  "differential mamba":
    "two mixers of half the width and half the state, as Diff-T halves queries and keys; with the whole state 1.00 and 0.37",
  shared:
    "both branches as wide as the model, queries three quarters of it: chosen to fit, since half of it gives 0.94 and 0.34",
  joint: "both branches as wide as the model, which one projection of their sum asks for; queries half of it",
  apart: "the 1:1 dimensions of Table 20, values as wide as the model",
};

/** Blocks of each kind as printed; small sizes have those of 1B, as elsewhere (config/presets.ts). */
const depths: Readonly<Record<FusionKind, { "1b": number; "350m": number }>> = {
  attention: { "1b": 16, "350m": 14 },
  mamba: { "1b": 13, "350m": 11 },
  "differential attention": { "1b": 16, "350m": 14 },
  "differential mamba": { "1b": 13, "350m": 11 },
  shared: { "1b": 15, "350m": 13 },
  joint: { "1b": 14, "350m": 12 },
  apart: { "1b": 13, "350m": 11 },
};

type Cells = [
  model: string,
  module: FusionColumns["module"],
  norm: FusionColumns["norm"],
  scalar: FusionColumns["scalar"],
  fusion: FusionColumns["fusion"],
  value: FusionColumns["value"],
  out: FusionColumns["out"],
];

const rows: readonly Cells[] = [
  ["Llama", "", "", "", "", "", ""],
  ["Mamba", "", "", "", "", "", ""],
  ["Diff-T", "T/T", "", "Diff-T", "Diff", "Joint", "Joint"],
  ["Diff-M", "M/M", "", "Diff-M", "Diff", "Sep", "Sep"],
  ["Variants", "T/T", "", "Diff-T", "Add", "Joint", "Joint"],
  ["Variants", "T/M", "", "Diff-T", "Diff", "Joint", "Joint"],
  ["Variants", "T/M", "Group", "Diff-T", "Diff", "Joint", "Joint"],
  ["Variants", "T/M", "", "Diff-T", "Diff", "Sep", "Joint"],
  ["Variants", "T/M", "Group", "Diff-T", "Diff", "Sep", "Joint"],
  ["Variants", "T/M", "Group", "Diff-T", "Diff", "Sep", "Sep"],
  ["Hymba", "T/M", "Group", "Scale", "Add", "Sep", "Joint"],
  ["Variants", "T/M", "", "", "Add", "Sep", "Joint"],
  ["Variants", "T/M", "Group", "", "Add", "Sep", "Joint"],
  ["Variants", "T/M", "", "Scale", "Add", "Sep", "Joint"],
  ["Variants", "T/M", "Group", "Scale", "Add", "Joint", "Joint"],
  ["Variants", "T/M", "", "", "Add", "Sep", "Sep"],
  ["Variants", "T/M", "Group", "", "Add", "Sep", "Sep"],
  ["Variants", "T/M", "Group", "Scale", "Add", "Sep", "Sep"],
  ["Variants", "T/M", "", "", "Diff", "Sep", "Sep"],
  ["Variants", "T/M", "Group", "", "Diff", "Sep", "Sep"],
  ["Variants", "T/M", "Group", "Scale", "Diff", "Sep", "Sep"],
  ["Variants", "T/M", "Group", "", "Diff", "Sep", "Joint"],
  ["Falcon-H1", "T/M", "", "", "Conc", "Sep", "Joint"],
  ["Variants", "T/M", "Group", "", "Conc", "Sep", "Joint"],
  ["Variants", "T/M", "Group", "Scale", "Conc", "Sep", "Joint"],
];

/**
 * Every row of Tables 18 and 19 as a model of a size. The paper's sizes have the printed number of layers; "nano", "micro" and
 * "mini" have those of 1B and feed-forward widths that make all equal in weights, within 2 %, to the row "T/M Group Diff Sep
 * Sep", the paper's best; "smoke" has two layers and is not matched.
 * @param vocabSize default: that of the size
 */
export function fusionDesigns(size: FusionSize, vocabSize?: number): FusionDesign[] {
  const designs = rows.map(([model, module, norm, scalar, fusion, value, out], i): FusionDesign => {
    const columns = { model, module, norm, scalar, fusion, value, out };
    const label = model === "Variants" ? [module, norm, scalar, fusion, value, out].filter(Boolean).join(" ") : model;
    return { row: i + 1, label, ...columns, config: configOf(columns, size, vocabSize) };
  });
  if (size === "1b" || size === "350m" || size === "smoke") return designs;
  const best = designs.find(({ label }) => label === "T/M Group Diff Sep Sep") as FusionDesign;
  const target = countParameters(best.config).nonEmbedding;
  return designs.map((design) => ({ ...design, config: matchParameters(design.config, target) }));
}

export function kindOf({ model, module, fusion, value, out }: FusionColumns): FusionKind {
  if (module === "") return model === "Llama" ? "attention" : "mamba";
  if (module === "T/T") return "differential attention";
  if (module === "M/M") return "differential mamba";
  if (value === "Joint") return "shared";
  return out === "Joint" && fusion !== "Conc" ? "joint" : "apart";
}

const letters: Readonly<Record<FusionKind, string>> = {
  attention: "T",
  mamba: "M",
  "differential attention": "D",
  "differential mamba": "N",
  shared: "H",
  joint: "H",
  apart: "H",
};

function configOf(columns: FusionColumns, size: FusionSize, vocabSize?: number): ModelConfig {
  const kind = kindOf(columns);
  const layers = size === "smoke" ? 2 : depths[kind][size === "350m" ? "350m" : "1b"];
  const pattern = letters[kind].repeat(layers);
  const base = size === "smoke" ? toy(pattern, vocabSize) : preset(size, { pattern, vocabSize });
  const { hybrid, ssm } = base;
  if (kind === "differential attention" && columns.fusion === "Add") {
    return parseConfig({ ...base, differential: { fusion: "add" } });
  }
  if (kind === "differential mamba" && ssm) return parseConfig({ ...base, ssm: { ...ssm, dState: ssm.dState / 2 } });
  if (!hybrid) return base;
  return parseConfig({
    ...base,
    hybrid: { ...hybrid, ...dimensions(kind, size, base.dModel, hybrid), ...form(columns) },
  });
}

function dimensions(
  kind: FusionKind,
  size: FusionSize,
  dModel: number,
  { heads }: HybridConfig,
): Partial<HybridConfig> {
  if (kind === "joint") return { dQk: dModel / 2, dSsm: dModel };
  // The value's width is given, for its product to be counted as it is and not as twice that of the queries.
  if (kind === "shared") return { dQk: (3 * dModel) / 4, dSsm: dModel, valueDim: dModel / heads };
  // The preset's are those of the mixed models of Table 15; Table 20 prints others for hybrid blocks alone.
  return size === "350m" ? { dQk: 896, dSsm: 1792 } : {};
}

/** The columns as fields of the section `hybrid`. */
function form({ norm, scalar, fusion, value, out }: FusionColumns): Partial<HybridConfig> {
  const scales = { "": "none", Scale: "vector", "Diff-T": "scalar", "Diff-M": "scalar" } as const;
  const fusions = { Add: "add", Diff: "subtract", Conc: "concat" } as const;
  return {
    norm: norm === "Group" ? "group" : "none",
    scale: scales[scalar],
    ...(fusion !== "" && { fusion: fusions[fusion] }),
    value: value === "Joint" ? "shared" : "separate",
    output: out === "Joint" ? "joint" : "separate",
  };
}
