/** Finding 02: how many attention layers a hybrid needs (paper, Tables 5 and 16). */

import { cost } from "../cost/index.js";
import type { RunRecord } from "../runs/types.js";
import { blockRatioFigure } from "./block-ratio-figure.js";
import { attentionLayers, firstRun, lossDifference, lossesOf, ratioDifferences } from "./block-ratio-losses.js";
import { type PaperBlockRatio, paperBlockRatios, paperBlockRatioTable, paperNll } from "./block-ratio-paper.js";
import { type BlockRatio, blockRatioStudies } from "./block-ratio-studies.js";
import { blockRatioVerdicts } from "./block-ratio-verdicts.js";
import { type Finding, type Row, rounded } from "./finding.js";
import { mean, sd } from "./stats.js";

const main = "block-ratio";

export const blockRatio: Finding = {
  name: "block-ratio",
  title: "Hybrids beat both parents; 1:1 is best, 1:5 the balance",
  notebook: "02-block-ratio",
  paperTables: [paperBlockRatioTable],
  studies: blockRatioStudies,
  tables: (runs, paper) => ({
    "block-ratio": blockRatioTable(runs.get(main) ?? [], paperBlockRatios(paper[paperBlockRatioTable])),
  }),
  figures: (runs, paper, document) => ({
    "block-ratio": blockRatioFigure(
      ratioDifferences(runs.get(main) ?? []),
      paperBlockRatios(paper[paperBlockRatioTable]),
      document,
    ),
  }),
  verdicts: (runs, paper) => blockRatioVerdicts(runs.get(main) ?? [], paperBlockRatios(paper[paperBlockRatioTable])),
};

/**
 * One row a ratio. `vsTransformer` and `vsMamba` are paired differences of the loss with the half-width of their 95 %
 * interval behind; `paper…` are the paper's losses and differences; FLOPs are at the training length, the cache at 8K.
 */
function blockRatioTable(runs: readonly RunRecord[], paper: readonly PaperBlockRatio[]): Row[] {
  const losses = lossesOf(runs);
  return [...losses].map(([ratio, bySeed]) => {
    const own = runs.filter(({ label }) => label === ratio);
    const { spec, result } = firstRun(runs, ratio);
    const perToken = [...bySeed.values()];
    const [transformer, mamba] = (["1:0", "0:1"] as const).map((parent) => lossDifference(losses, ratio, parent));
    return {
      ratio,
      layers: spec.config.pattern.length,
      attention: attentionLayers(spec.config.pattern),
      params: result.params.nonEmbedding,
      lr: spec.optimizer.lr,
      seeds: perToken.length,
      nllPerToken: rounded(mean(perToken), 4),
      sd: rounded(sd(perToken), 4),
      nllPerByte: rounded(mean(own.map((run) => run.result.validation.nllPerByte)), 4),
      vsTransformer: rounded(transformer.mean, 4),
      vsTransformerHalf: rounded(transformer.high - transformer.mean, 4),
      vsMamba: rounded(mamba.mean, 4),
      vsMambaHalf: rounded(mamba.high - mamba.mean, 4),
      ...paperColumns(paper, ratio),
      flopsPerToken: Math.round(cost(spec.config, { context: spec.batch.length, tokens: 1 }).flopsPerToken),
      cacheBytes8K: cost(spec.config, { context: 8192, tokens: 1 }).cacheBytes,
    };
  });
}

function paperColumns(paper: readonly PaperBlockRatio[], ratio: BlockRatio): Row {
  const columns = (["350M", "1B"] as const).map((size): Row => {
    const own = paperNll(paper, size, ratio);
    return {
      [`paper${size}`]: own,
      [`paper${size}VsTransformer`]: rounded(own - paperNll(paper, size, "1:0"), 3),
      [`paper${size}VsMamba`]: rounded(own - paperNll(paper, size, "0:1"), 3),
    };
  });
  return { ...columns[0], ...columns[1] };
}
