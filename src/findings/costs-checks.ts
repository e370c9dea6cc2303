/**
 * Every cost that the paper prints, computed again by its formulas. No training is needed, so each figure either comes out
 * as printed or stands in `costs-exceptions.ts` with what is wrong with it.
 */

import { familyPattern, parseSize, preset } from "../config/presets.js";
import type { ModelConfig } from "../config/types.js";
import { cost, linearWeights, PAPER_CONTEXT } from "../cost/cost.js";
import { matchFlops } from "../cost/match.js";
import { expertParameters } from "../cost/moe.js";
import { costExceptions, misprints } from "./costs-exceptions.js";
import { type Row, scientific } from "./finding.js";

/** The tables of the paper that print costs, by number, with the file in `data/paper` and the size where it is one. */
export const costTables = [
  { table: 4, file: "table04_moe", size: "1b" },
  { table: 9, file: "table09_1b_all", size: "1b" },
  { table: 10, file: "table10_350m_all", size: "350m" },
  { table: 11, file: "table11_swa_placement" },
  { table: 12, file: "table12_long_context", size: "1b" },
  { table: 14, file: "table14_scaling_llama_mamba" },
  { table: 15, file: "table15_scaling_hybrids" },
  { table: 16, file: "table16_block_ratio_full" },
  { table: 20, file: "table20_dimension_ratio" },
  { table: 21, file: "table21_intra_placement" },
] as const;

export type CostTable = (typeof costTables)[number]["table"];

/** One printed figure of one row, and the same computed. */
export interface FigureCheck {
  table: CostTable;
  /** 1-based row of the file in `data/paper`, without its header. */
  row: number;
  /** As printed, e.g. "Inter-H". */
  model: string;
  size: string;
  /** Block counts, e.g. "2T+11M", in the order T, S, M, H. */
  blocks: string;
  /** What is the same for all models compared: "data", "FLOPs", or the context or budget of the row. */
  setting: string;
  figure: Figure;
  unit: string;
  printed: number;
  /** In the unit of `printed`, not rounded. */
  computed: number;
  /** Whether the computed figure, rounded to the printed digits, is the printed one. */
  agrees: boolean;
  /** Why it does not agree; empty when it does. */
  reason: string;
}

export type Figure = "params" | "total params" | "train FLOPs" | "cache" | "tokens" | "steps";

/** Tokens a step in the scaling runs (training_setup.md: "0.5M"): half of a binary million gives the printed steps. */
const SCALING_STEP_TOKENS = 2 ** 19;
const MIB = 2 ** 20;

/**
 * Every cost of a table of the paper, printed and computed.
 *
 * @param table its number
 * @param rows its rows, from `paperTable`
 */
export function checkCosts(table: CostTable, rows: readonly Row[]): FigureCheck[] {
  return rows.flatMap((row, i) => checkRow(table, { ...row, ...meant(table, i + 1) }, i + 1));
}

function checkRow(table: CostTable, row: Row, index: number): FigureCheck[] {
  const config = rowConfig(table, row);
  const context = number(row.context_length) ?? PAPER_CONTEXT;
  const size = rowSize(table, row);
  const tokens = number(row.tokens) ?? 60e9;
  const costs = cost(config, { context, tokens });
  const experts = row.experts === "1+8" ? expertParameters(config) : undefined;
  const base = { table, row: index, model: rowModel(row, config), size, blocks: blocks(config.pattern) };
  const setting = rowSetting(row);
  const checks: FigureCheck[] = [];
  const check = (figure: Figure, unit: string, printed: unknown, computed: number, same: (p: number) => boolean) => {
    const value = number(printed);
    if (value === undefined) return;
    const agrees = same(value);
    const reason = agrees ? "" : exceptionReason(table, index, figure);
    checks.push({ ...base, setting, figure, unit, printed: value, computed, agrees, reason });
  };
  const equals = (computed: number, decimals: number) => (printed: number) =>
    Number(computed.toFixed(decimals)) === printed;

  const params = (experts?.active ?? linearWeights(config)) / 1e9;
  check("params", "billion", row.n_params_b ?? row.active_params_b, params, equals(params, 2));
  const total = (experts?.total ?? linearWeights(config)) / 1e9;
  check("total params", "billion", row.total_params_b, total, equals(total, 2));
  const cacheMib = costs.cacheBytes / MIB;
  check("cache", "MiB", row.cache_mib, cacheMib, equals(cacheMib, 0));
  const budget = number(row.train_flops);
  if (row.steps !== undefined && budget) {
    // Scaling runs: the budget is given, tokens and steps follow. Steps are printed in thousands, sometimes cut.
    const bought = matchFlops(config, budget, context);
    check("tokens", "billion", Number(row.tokens) / 1e9, bought / 1e9, (p) => Math.abs(bought / 1e9 - p) <= 1);
    const steps = bought / SCALING_STEP_TOKENS;
    check("steps", "thousand", Number(row.steps) / 1e3, steps / 1e3, (p) => Math.abs(steps / 1e3 - p) <= 1);
    return checks;
  }
  check("train FLOPs", "FLOPs", budget, costs.trainFlops, (p) => Number(costs.trainFlops.toPrecision(2)) === p);
  if (row.budget === "equal_flops") {
    const matched = matchFlops(config, llamaBudget(size), context) / 1e9;
    check("tokens", "billion", Number(row.tokens) / 1e9, matched, equals(matched, 0));
  }
  return checks;
}

/** The columns of a row that are misprinted, with what is meant. */
function meant(table: CostTable, row: number): Record<string, number> {
  return misprints.find((misprint) => misprint.table === table && misprint.rows.includes(row))?.meant ?? {};
}

function exceptionReason(table: CostTable, row: number, figure: Figure): string {
  const found = costExceptions.find(
    (exception) => exception.table === table && exception.figure === figure && exception.rows.includes(row),
  );
  return found?.reason ?? "no reason known";
}

/** What 60 billion tokens cost the Transformer of a size: the budget of the equal-FLOPs rows, before rounding. */
function llamaBudget(size: string): number {
  const name = parseSize(size);
  const llama = preset(name, { pattern: familyPattern(name, "llama") });
  return cost(llama, { context: PAPER_CONTEXT, tokens: 60e9 }).trainFlops;
}

/** The model of a row: the dimensions of its size (Table 8) and its block counts, in any order. */
function rowConfig(table: CostTable, row: Row): ModelConfig {
  const counts: [letter: string, count: number][] = [
    ["T", number(row.n_attn) ?? 0],
    ["S", number(row.n_swa) ?? 0],
    ["M", number(row.n_ssm) ?? 0],
    ["H", number(row.n_hyb) ?? 0],
  ];
  const pattern = counts.map(([letter, count]) => letter.repeat(count)).join("");
  const config = preset(parseSize(rowSize(table, row)), { pattern });
  if (!config.hybrid) return config;
  const dQk = number(row.d_qk_attn);
  const dMamba = number(row.d_mamba_pre_expansion);
  if (dQk && dMamba) return { ...config, hybrid: { ...config.hybrid, dQk, dSsm: 2 * dMamba } };
  // At 350M the rows with hybrid blocks alone are wider than the mixed ones (Table 20 against Table 15).
  const wide = rowSize(table, row) === "350m" && !pattern.includes("M");
  return wide ? { ...config, hybrid: { ...config.hybrid, dQk: 896, dSsm: 1792 } } : config;
}

function rowSize(table: CostTable, row: Row): string {
  const known = costTables.find((entry) => entry.table === table);
  return String(row.size ?? (known && "size" in known ? known.size : "")).toLowerCase();
}

function rowModel(row: Row, config: ModelConfig): string {
  if (typeof row.model === "string") return row.model;
  if (config.pattern.includes("H")) return "Intra-H";
  if (!config.pattern.includes("T")) return config.pattern.includes("S") ? "SWA" : "Mamba";
  return config.pattern.includes("S") ? "SWA" : config.pattern.includes("M") ? "Inter-H" : "Llama";
}

function rowSetting(row: Row): string {
  if (row.context_length) return `${Number(row.context_length) / 1024}K context`;
  if (row.steps !== undefined) return `${scientific(Number(row.train_flops))} FLOPs`;
  if (row.experts) return row.experts === "dense" ? "dense" : "experts";
  if (row.dim_ratio_attn_to_mamba) return `dimensions ${row.dim_ratio_attn_to_mamba}`;
  return row.budget === "equal_flops" ? "equal FLOPs" : "equal data";
}

/** "TTTMM" becomes "3T+2M". */
export function blocks(pattern: string): string {
  return [..."TSMH"]
    .map((letter) => [[...pattern].filter((found) => found === letter).length, letter] as const)
    .filter(([count]) => count > 0)
    .map(([count, letter]) => `${count}${letter}`)
    .join("+");
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
