import { BLOCK_RATIOS, type BlockRatio } from "./block-ratio-studies.js";
import { type Row, signed } from "./finding.js";

/** One model of the paper's Table 16 (and of Table 5, which prints the same losses). */
export interface PaperBlockRatio {
  size: "350M" | "1B";
  ratio: BlockRatio;
  attention: number;
  mamba: number;
  /** On the DCLM validation set, nats a token, as printed. */
  nll: number;
}

/** The file in data/paper that `paperBlockRatios` reads. */
export const paperBlockRatioTable = "table16_block_ratio_full";

/** The rows of Table 16 as typed records. Throws naming the model that is missing or has no loss. */
export function paperBlockRatios(rows: readonly Row[]): PaperBlockRatio[] {
  return (["350M", "1B"] as const).flatMap((size) =>
    BLOCK_RATIOS.map((ratio): PaperBlockRatio => {
      const row = rows.find((candidate) => candidate.size === size && candidate.ratio === ratio);
      if (typeof row?.nll_dclm !== "number") {
        throw new Error(
          `data/paper/${paperBlockRatioTable}.csv: no loss for ${size} ${ratio} (columns size, ratio, nll_dclm)`,
        );
      }
      return { size, ratio, attention: Number(row.n_attn ?? 0), mamba: Number(row.n_ssm ?? 0), nll: row.nll_dclm };
    }),
  );
}

/** The paper's loss of one model. */
export function paperNll(paper: readonly PaperBlockRatio[], size: PaperBlockRatio["size"], ratio: BlockRatio): number {
  return (paper.find((row) => row.size === size && row.ratio === ratio) as PaperBlockRatio).nll;
}

/** "−0.022 at 350M and −0.015 at 1B": the loss of `a` less that of `b`, nats a token. */
export function paperDifference(paper: readonly PaperBlockRatio[], a: BlockRatio, b: BlockRatio): string {
  const at = (size: PaperBlockRatio["size"]) =>
    `${signed(paperNll(paper, size, a) - paperNll(paper, size, b))} at ${size}`;
  return `${at("350M")} and ${at("1B")}`;
}
