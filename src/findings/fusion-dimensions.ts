/** Attention's width against Mamba-2's inside a hybrid layer (Table 20): table and figure. */

import type { RunRecord } from "../runs/types.js";
import type { ByLabel } from "./by-seed.js";
import { curvesFigure } from "./curves-figure.js";
import { type PaperTables, type Row, rounded } from "./finding.js";
import { dimensionRatios } from "./fusion-studies.js";
import { contrast, lossesByLabel, versus } from "./losses.js";
import { type PaperSize, paperSizes } from "./paper-names.js";
import { differenceColumns, resultColumns } from "./result-columns.js";
import { architectureStyle } from "./theme.js";

export const paperDimensionTable = "table20_dimension_ratio";

export type DimensionRatio = keyof typeof dimensionRatios;
/** From the widest attention to the narrowest. */
export const dimensionLabels = Object.keys(dimensionRatios) as DimensionRatio[];

/** Loss on DCLM as printed, nats a token. */
export function paperDimensionLoss(paper: PaperTables, size: PaperSize, ratio: DimensionRatio): number {
  const row = paper[paperDimensionTable].find(
    (known) => known.size === size && known.dim_ratio_attn_to_mamba === ratio,
  );
  if (typeof row?.nll_dclm !== "number") {
    throw new Error(`data/paper/${paperDimensionTable}.csv: no loss for ${size} ${ratio}`);
  }
  return row.nll_dclm;
}

/** One row a ratio, compared with 1:1. */
export function dimensionTable(runs: readonly RunRecord[], paper: PaperTables): Row[] {
  const losses = lossesByLabel(runs);
  return dimensionLabels.flatMap((ratio) => {
    const own = runs.find(({ label }) => label === ratio);
    if (!own) return [];
    const { hybrid } = own.spec.config;
    const theirs = paperSizes.map((size): Row => {
      const loss = paperDimensionLoss(paper, size, ratio);
      const difference = loss - paperDimensionLoss(paper, size, "1:1");
      return { [`paper${size}`]: loss, [`paper${size}VsEven`]: rounded(difference, 3) };
    });
    return [
      {
        ratio,
        queries: hybrid?.dQk ?? null,
        mamba: hybrid?.dSsm ?? null,
        params: own.result.params.nonEmbedding,
        ...resultColumns(runs, ratio),
        ...differenceColumns("vsEven", versus(losses, ratio, "1:1")),
        ...theirs[0],
        ...theirs[1],
      },
    ];
  });
}

/** Losses less those of the ratio 1:1 of the same size, ours and the paper's. */
export function fusionDimensionsFigure(
  losses: ByLabel,
  paper: PaperTables,
  document: Document,
): SVGSVGElement | HTMLElement {
  const ours = dimensionLabels.flatMap((ratio, x) => {
    const interval = contrast(losses, [ratio], ["1:1"]);
    if (!interval) return [];
    const point = { x, value: interval.mean };
    return [ratio === "1:1" ? point : { ...point, low: interval.low, high: interval.high }];
  });
  const theirs = paperSizes.map((size) => ({
    series: `paper ${size}`,
    points: dimensionLabels.map((ratio, x) => ({
      x,
      value: paperDimensionLoss(paper, size, ratio) - paperDimensionLoss(paper, size, "1:1"),
    })),
  }));
  return curvesFigure([{ series: "ours", style: architectureStyle("intra"), points: ours }, ...theirs], {
    title: "Validation loss against attention's share of a hybrid layer",
    caption:
      "All layers hybrid, equal weights; difference to the ratio 1:1 of the same size, lower is better. Ours: mean over seeds with its 95 % interval, paired by seed. Paper: Table 20, one run each.",
    x: {
      domain: [-0.15, 3.5],
      ticks: dimensionLabels.map((_, i) => i),
      tickFormat: (x) => dimensionLabels[x],
      label: "width of attention's queries : width of Mamba-2 before its expansion",
    },
    y: { label: "↑ loss − loss at 1:1 (nats a token)", zero: 0 },
    named: "last",
    document,
  });
}
