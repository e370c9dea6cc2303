/** The paper's losses and accuracies by ratio: Tables 9 and 10 (whose rows of equal data Tables 5 and 16 repeat). */

import { preset } from "../config/index.js";
import { cost, PAPER_CONTEXT } from "../cost/index.js";
import { type Budget, type Kind, nameAt } from "./block-ratio-models.js";
import { BLOCK_RATIOS, type BlockRatio } from "./block-ratio-studies.js";
import { type PaperTables, type Row, signed } from "./finding.js";
import { type PaperSize, paperNames, paperSizes, presetOf } from "./paper-names.js";

/** One of the paper's models, trained once. */
export interface PaperModel {
  size: PaperSize;
  /** As our model's, e.g. "inter 1:5". */
  name: string;
  ratio: BlockRatio;
  budget: Budget;
  /** Layers with attention, alone or beside Mamba-2, and Mamba-2 layers, as printed. */
  expensive: number;
  mamba: number;
  tokens: number;
  params: number;
  /** On the DCLM validation set, nats a token, as printed. */
  nll: number;
  /** Mean accuracy of the five few-shot tasks, percent. */
  accuracy: number;
  cacheMib: number;
}

const tables: Readonly<Record<PaperSize, string>> = { "350M": "table10_350m_all", "1B": "table09_1b_all" };

/** The files in data/paper that `paperModels` reads. */
export const blockRatioPaperTables: readonly string[] = paperSizes.map((size) => tables[size]);

const families: readonly { model: string; kind: Kind; ratios: Readonly<Record<Budget, readonly BlockRatio[]>> }[] = [
  { model: paperNames.transformer, kind: "inter", ratios: { data: ["1:0"], FLOPs: [] } },
  { model: paperNames.mamba, kind: "inter", ratios: { data: ["0:1"], FLOPs: ["0:1"] } },
  { model: paperNames.inter, kind: "inter", ratios: both(["1:1", "1:3", "1:5", "1:12"]) },
  { model: paperNames.intra, kind: "intra", ratios: both(["1:0", "1:1", "1:3", "1:5", "1:12"]) },
];

function both(ratios: readonly BlockRatio[]) {
  return { data: ratios, FLOPs: ratios };
}

/**
 * The rows of Tables 9 and 10 by ratio. The tables print block counts only, and one of them wrongly (Table 9, intra 1:3 at equal
 * FLOPs), so rows get their ratio by rank: fewer Mamba-2 layers, more attention.
 * @throws Error naming the table and the models whose rows are missing
 */
export function paperModels(paper: PaperTables): PaperModel[] {
  return paperSizes.flatMap((size) =>
    families.flatMap(({ model, kind, ratios }) =>
      (["data", "FLOPs"] as const).flatMap((budget) => {
        const rows = (paper[tables[size]] ?? [])
          .filter((row) => row.model === model && row.budget === `equal_${budget.toLowerCase()}`)
          .sort((a, b) => Number(a.n_ssm ?? 0) - Number(b.n_ssm ?? 0));
        if (rows.length !== ratios[budget].length) {
          throw new Error(
            `data/paper/${tables[size]}.csv: ${ratios[budget].length} rows of ${model} at equal ${budget} are expected, ${rows.length} are there`,
          );
        }
        return rows.map((row, rank) => typed(row, size, kind, ratios[budget][rank], budget));
      }),
    ),
  );
}

function typed(row: Row, size: PaperSize, kind: Kind, ratio: BlockRatio, budget: Budget): PaperModel {
  return {
    size,
    name: nameAt(kind, ratio),
    ratio,
    budget,
    expensive: Number(row.n_attn ?? 0) + Number(row.n_hyb ?? 0),
    mamba: Number(row.n_ssm ?? 0),
    tokens: Number(row.tokens),
    params: 1e9 * Number(row.n_params_b),
    nll: Number(row.nll_dclm),
    accuracy: Number(row.acc_avg),
    cacheMib: Number(row.cache_mib),
  };
}

/** One of the models; the Transformer is the same at both budgets. Throws when there is none of the name. */
export function paperModel(
  paper: readonly PaperModel[],
  size: PaperSize,
  name: string,
  budget: Budget = "data",
): PaperModel {
  const wanted = name === "Transformer" ? "data" : budget;
  const found = paper.find((model) => model.size === size && model.name === name && model.budget === wanted);
  if (!found) throw new Error(`the paper has no ${name} of ${size} at equal ${budget}`);
  return found;
}

/** Those of a kind, both ends included, by growing share of attention. */
export function paperCurve(
  paper: readonly PaperModel[],
  size: PaperSize,
  kind: Kind,
  budget: Budget = "data",
): PaperModel[] {
  return BLOCK_RATIOS.map((ratio) => paperModel(paper, size, nameAt(kind, ratio), budget)).reverse();
}

/** The paper's loss of one model less that of another. */
export function paperGap(
  paper: readonly PaperModel[],
  size: PaperSize,
  [a, b]: readonly [string, string],
  budget: Budget = "data",
): number {
  return paperModel(paper, size, a, budget).nll - paperModel(paper, size, b, budget).nll;
}

/** "−0.022 at 350M and −0.015 at 1B": the loss of `a` less that of `b`, nats a token. */
export function paperDifference(paper: readonly PaperModel[], a: string, b: string, budget: Budget = "data"): string {
  return paperSizes.map((size) => `${signed(paperGap(paper, size, [a, b], budget))} at ${size}`).join(" and ");
}

/** Training FLOPs a token of a printed model, by the formulas: Tables 9 and 10 print them with two digits. */
export function paperFlopsPerToken({ size, name, expensive, mamba }: PaperModel): number {
  const pattern = (name.startsWith("intra") ? "H" : "T").repeat(expensive) + "M".repeat(mamba);
  return cost(preset(presetOf(size), { pattern }), { context: PAPER_CONTEXT, tokens: 1 }).flopsPerToken;
}
