/** The paper's scaling runs (Tables 14 and 15), and the reasonable ways to fit them. */

import { preset } from "../config/presets.js";
import { cost, PAPER_CONTEXT } from "../cost/cost.js";
import type { PaperTables, Row } from "./finding.js";
import { architectureNamed } from "./paper-names.js";
import type { IsoPoint, Reading } from "./scaling-optima.js";

export const scalingTables = ["table14_scaling_llama_mamba", "table15_scaling_hybrids"] as const;

/** A row of the tables; its step of size is "100M" to "3B". */
interface PaperPoint extends IsoPoint {
  /** Weights of the embedding, which the paper's count leaves out: 128,256 tokens of the Llama 3.2 vocabulary by the width. */
  embedding: number;
  /** Mamba-2 blocks; 0 for models with others. */
  mambaBlocks: number;
  /** The loss is out of line with its neighbours; the transcription notes a possible misprint. */
  doubtful: boolean;
}

const vocabulary = 128_256;
/** "0.5M tokens per step" (training_setup.md): the printed steps are the printed tokens by this. */
const tokensPerStep = 2 ** 19;

/**
 * The 71 runs. Tokens are the budget by the FLOPs a token that the steps of the size's largest budget tell: the printed ones are
 * rounded to billions, down to "1e9".
 */
export function paperPoints(paper: PaperTables): PaperPoint[] {
  const rows = scalingTables.flatMap((table) => paper[table]);
  return rows.map((row): PaperPoint => {
    const model = architectureNamed(String(row.model));
    const same = rows.filter((other) => other.model === row.model && other.size === row.size);
    const longest = same.reduce((a, b) => (Number(b.steps) > Number(a.steps) ? b : a));
    const flopsPerToken = Number(longest.train_flops) / (Number(longest.steps) * tokensPerStep);
    return {
      model,
      step: String(row.size),
      budget: Number(row.train_flops),
      size: Number(row.n_params_b) * 1e9,
      embedding: vocabulary * Number(row.d_model),
      mambaBlocks: model === "mamba" ? Number(row.n_ssm) : 0,
      tokens: Number(row.train_flops) / flopsPerToken,
      loss: Number(row.nll_dclm),
      doubtful: isDoubtful(row),
    };
  });
}

const isDoubtful = ({ note }: Row) => /nll_dclm .* misprint/.test(String(note ?? ""));

/**
 * Mamba's losses at the tokens that the formula's FLOPs would buy. Its printed tokens and steps imply up to a fifth more FLOPs a
 * token than the paper's formula gives, so at a printed budget it saw fewer tokens than the others. Losses are read off the
 * straight line in ln(tokens) through the two nearest budgets of the same size.
 */
function atFormulaFlops(points: readonly PaperPoint[]): PaperPoint[] {
  return points.map((point) => {
    if (point.mambaBlocks === 0) return point;
    const size = point.step.toLowerCase() as "100m" | "350m" | "1b" | "3b";
    const config = preset(size, { pattern: "M".repeat(point.mambaBlocks) });
    const tokens = point.budget / cost(config, { context: PAPER_CONTEXT, tokens: 1 }).flopsPerToken;
    const line = points
      .filter(({ model, step }) => model === point.model && step === point.step)
      .sort((a, b) => a.tokens - b.tokens);
    const above = line.findIndex((other) => other.tokens >= tokens);
    const i = Math.max(1, above === -1 ? line.length - 1 : above);
    const [a, b] = [line[i - 1], line[i]];
    const slope = (b.loss - a.loss) / Math.log(b.tokens / a.tokens);
    return { ...point, tokens, loss: a.loss + slope * Math.log(tokens / a.tokens) };
  });
}

/** The first is the paper's own procedure; the others change one thing each. */
export function paperReadings(paper: PaperTables): Reading[] {
  const printed = paperPoints(paper);
  const sound = printed.filter(({ doubtful }) => !doubtful);
  const withEmbedding = sound.map((point) => ({ ...point, size: point.size + point.embedding }));
  return [
    {
      name: "as printed",
      about: "A parabola in ln N through all sizes of a budget, N without the embedding: the paper's procedure",
      method: "all",
      points: printed,
    },
    {
      name: "no misprint",
      about:
        "The same without the 3B Llama at 8e19, whose loss of 3.212 is out of line; all rows below leave it out as well",
      method: "all",
      points: sound,
    },
    {
      name: "three sizes",
      about: "Through the three sizes around the best, so that models far from the optimum do not bend the parabola",
      method: "three",
      points: sound,
    },
    {
      name: "one curvature",
      about: "All budgets of an architecture share the parabola's curvature",
      method: "shared",
      points: sound,
    },
    {
      name: "with embedding",
      about: "N counted with the embedding, which is more than half of the smallest models' weights",
      method: "all",
      points: withEmbedding,
    },
    {
      name: "Mamba by formula",
      about: "Mamba's losses moved to the tokens that the formula's FLOPs buy",
      method: "all",
      points: atFormulaFlops(sound),
    },
    {
      name: "law",
      about: "L = E + A / N^α + B / D^β through all runs of an architecture; its minimum at each budget",
      method: "law",
      points: sound,
    },
  ];
}
