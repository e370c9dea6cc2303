/**
 * Three sources of the same 1B figures side by side: the tables that a summary of version 1 of the paper prints
 * (`summary_*.csv`), version 3 itself, and the formulas.
 */

import { type Family, familyPattern, preset } from "../config/presets.js";
import type { ModelConfig } from "../config/types.js";
import { cost, PAPER_CONTEXT } from "../cost/cost.js";
import { mixerCost } from "../cost/layers.js";
import { blocks } from "./costs-checks.js";
import { type Row, rounded } from "./finding.js";

/** How the files name the five architectures. `blocks` is the 1B model that the paper's main results use. */
const models: readonly { family: Family; costs: string; quality: string; paper: string }[] = [
  { family: "llama", costs: "Transformer (Llama)", quality: "Transformer", paper: "Llama" },
  { family: "swa", costs: "SWA Transformer", quality: "SWA", paper: "SWA" },
  { family: "mamba", costs: "Mamba", quality: "Mamba", paper: "Mamba" },
  { family: "inter", costs: "Inter-layer hybrid", quality: "Inter-layer hybrid", paper: "Inter-H" },
  { family: "intra", costs: "Intra-layer hybrid", quality: "Intra-layer hybrid", paper: "Intra-H" },
];

/** What version 3 says in its text of the weights of one mixer, in millions (Section 2). */
const mixerWeightsInText: Partial<Record<Family, number>> = { llama: 10, mamba: 25 };

/** The paper's tables that the comparison reads, from `paperTable`. */
interface SourceTables {
  summaryCosts: readonly Row[];
  summaryQuality: readonly Row[];
  summaryExperts: readonly Row[];
  /** Table 9. */
  main: readonly Row[];
  /** Table 4. */
  experts: readonly Row[];
}

/**
 * Every cost of the summary beside version 3 and the formulas, for the models of the main results.
 * `holds` names the sources whose figure is the formula's within their printed digits.
 */
export function sourceRows(tables: SourceTables): Row[] {
  return [
    ...perModel("cache of the model", "MiB", tables, ({ family, paper }, costs) => ({
      summary: costs.cache_mib,
      version3: paperRow(tables.main, paper, family)?.cache_mib,
      formulas: cost(model(family), { context: PAPER_CONTEXT, tokens: 1 }).cacheBytes / 2 ** 20,
    })),
    ...perModel("weights of a mixer, mean", "million", tables, ({ family }, costs) => ({
      summary: costs.params_m,
      version3: mixerWeightsInText[family],
      formulas: meanOverLayers(model(family), "weights") / 1e6,
    })),
    ...perModel("FLOPs of a mixer's products a sequence, mean", "1e9", tables, ({ family }, costs) => ({
      summary: costs.flops_per_sample_g,
      formulas: meanOverLayers(model(family), "extraFlops") / 1e9,
    })),
    ...perModel("training FLOPs at equal data", "1e15", tables, ({ family, quality, paper }) => {
      const summary = qualityRow(tables.summaryQuality, quality, "parameter_matched");
      return {
        summary: summary?.flops_p,
        version3: Number(paperRow(tables.main, paper, family)?.train_flops) / 1e15,
        formulas: cost(model(family), { context: PAPER_CONTEXT, tokens: 60e9 }).trainFlops / 1e15,
      };
    }),
    extraTokens(tables),
  ];
}

/** The share of tokens that the inter-hybrid may read beyond the Transformer's for the same FLOPs. */
function extraTokens({ summaryQuality, main }: SourceTables): Row {
  const perToken = (family: Family) => cost(model(family), { context: PAPER_CONTEXT, tokens: 1 }).flopsPerToken;
  const matched = main.find((row) => row.model === "Inter-H" && row.budget === "equal_flops" && row.n_attn === 2);
  const summary = (name: string) => Number(qualityRow(summaryQuality, name, "flops_matched")?.tokens_b);
  return judged("more tokens for the same FLOPs", "%", "Inter-layer hybrid", {
    summary: Math.round(100 * (summary("Inter-layer hybrid") / summary("Transformer") - 1)),
    version3: Math.round(100 * (Number(matched?.tokens) / 60e9 - 1)),
    formulas: 100 * (perToken("llama") / perToken("inter") - 1),
  });
}

/**
 * Whether the summary's "FLOPs" are its tokens times its FLOPs a sample, as if a sample were a token: one row for each of
 * its runs.
 */
export function summaryArithmeticRows({ summaryCosts, summaryQuality }: SourceTables): Row[] {
  return summaryQuality.map((run) => {
    const names = models.find(({ quality }) => quality === run.method);
    const costs = summaryCosts.find((row) => row.architecture === names?.costs);
    const product = (Number(run.tokens_b) * Number(costs?.flops_per_sample_g)) / 1000;
    return {
      budget: run.budget,
      method: run.method,
      tokens_b: run.tokens_b,
      flops_per_sample_g: costs?.flops_per_sample_g ?? null,
      product: rounded(product, 1),
      flops_p: run.flops_p,
      equal: Number(product.toFixed(1)) === run.flops_p ? "yes" : "no",
    };
  });
}

/** Quality figures of the summary beside those of version 3. There is no formula for these. */
export function sourceQualityRows({ summaryQuality, summaryExperts, main, experts }: SourceTables): Row[] {
  const dense = summaryQuality.map((row) => {
    const names = models.find(({ quality }) => quality === row.method)!;
    const budget = row.budget === "flops_matched" ? "equal_flops" : "equal_data";
    const paper = paperRow(main, names.paper, names.family, budget);
    return { setting: String(row.budget).replace("_", " "), row, paper, names };
  });
  const mixtures = summaryExperts
    .filter((row) => row.moe === "yes")
    .map((row) => {
      const names = models.find(({ quality }) => quality === row.method)!;
      const paper = experts.find((printed) => printed.model === names.paper && printed.experts !== "dense");
      return { setting: "experts", row, paper, names };
    });
  return [...dense, ...mixtures].map(({ setting, row, paper, names }) => ({
    setting,
    model: names.quality,
    nll_summary: row.nll_validation,
    nll_version3: paper?.nll_dclm ?? null,
    accuracy_summary: row.accuracy_avg,
    accuracy_version3: paper?.acc_avg ?? null,
  }));
}

type Names = (typeof models)[number];
type Sources = { summary?: unknown; version3?: unknown; formulas: number };

function perModel(
  quantity: string,
  unit: string,
  tables: SourceTables,
  of: (names: Names, costs: Row) => Sources,
): Row[] {
  return models.map((names) => {
    const costs = tables.summaryCosts.find((row) => row.architecture === names.costs);
    if (!costs) throw new Error(`summary_table1_costs: the row "${names.costs}" is missing.`);
    return judged(quantity, unit, names.quality, of(names, costs));
  });
}

function judged(quantity: string, unit: string, name: string, { summary, version3, formulas }: Sources): Row {
  const held = { summary, "version 3": version3 };
  const holds = Object.entries(held).filter(([, value]) => typeof value === "number" && agrees(value, formulas));
  return {
    quantity,
    unit,
    model: name,
    summary: asNumber(summary),
    version3: asNumber(version3),
    formulas: Number(formulas.toPrecision(4)),
    holds: holds.map(([source]) => source).join(", ") || "none",
  };
}

/** Equal within the digits that `printed` shows; round numbers of three digits and more are read as two digits. */
function agrees(printed: number, computed: number): boolean {
  const decimals = String(printed).split(".")[1]?.length ?? 0;
  if (decimals > 0 || Math.abs(printed) < 1000) return Math.abs(computed - printed) <= 0.5 * 10 ** -decimals + 1e-9;
  return Number(computed.toPrecision(2)) === printed;
}

function asNumber(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function model(family: Family): ModelConfig {
  return preset("1b", { pattern: familyPattern("1b", family) });
}

function meanOverLayers(config: ModelConfig, what: "weights" | "extraFlops"): number {
  const letters = [...config.pattern];
  return letters.reduce((total, letter) => total + mixerCost(config, letter, PAPER_CONTEXT)[what], 0) / letters.length;
}

/** The row of Table 9 with the block counts of a family's default pattern. */
function paperRow(main: readonly Row[], name: string, family: Family, budget = "equal_data"): Row | undefined {
  const wanted = blocks(familyPattern("1b", family));
  const found = (row: Row) =>
    [
      [row.n_attn, "T"],
      [row.n_swa, "S"],
      [row.n_ssm, "M"],
      [row.n_hyb, "H"],
    ]
      .filter(([count]) => Number(count) > 0)
      .map(([count, letter]) => `${count}${letter}`)
      .join("+") === wanted;
  const rows = main.filter((row) => row.model === name && found(row));
  // The Transformer is the reference of both budgets and is printed once.
  return rows.find((row) => row.budget === budget) ?? rows[0];
}

function qualityRow(rows: readonly Row[], method: string, budget: string): Row | undefined {
  return rows.find((row) => row.method === method && row.budget === budget);
}
