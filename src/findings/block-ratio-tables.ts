/** The tables of the block-ratio finding: both kinds of hybrids, equal FLOPs, learning rates, seeds. */

import { accuracies } from "./accuracy.js";
import {
  attentionLayers,
  type Budget,
  cacheBytes,
  flopsPerToken,
  type Kind,
  type Model,
  Models,
  miniSources,
} from "./block-ratio-models.js";
import { type PaperModel, paperGap, paperModel } from "./block-ratio-paper.js";
import { sizeRows } from "./block-ratio-sizes.js";
import { blockRatioVerdicts } from "./block-ratio-verdicts.js";
import { comparisonRows } from "./comparison-rows.js";
import { filled, type Row, rounded, type StudyRuns } from "./finding.js";
import { learningRateRows } from "./learning-rates.js";
import { paperSizes } from "./paper-names.js";
import { differenceColumns, lossColumns } from "./result-columns.js";
import { effectRows, seedRows } from "./seed-noise.js";

/**
 * All tables by name; those without runs are left out. Losses are nats, `vs…` mean paired differences of the loss with the
 * half-width of their 95 % interval behind, accuracies percent; `paper…` stand beside what they belong to.
 */
export function blockRatioTables(models: Models, runs: StudyRuns, paper: readonly PaperModel[]): Record<string, Row[]> {
  const verdicts = blockRatioVerdicts(models, paper);
  const larger = new Models(runs, miniSources);
  const all = {
    "block-ratio": kindRows(models, "inter", paper),
    "block-ratio-intra": kindRows(models, "intra", paper),
    "block-ratio-flops": flopsRows(models, paper),
    "block-ratio-learning-rates": learningRateRows(runs.get("learning-rates") ?? [], "nllPerToken"),
    "block-ratio-learning-rates-mini": learningRateRows(runs.get("learning-rates-mini") ?? [], "nllPerToken"),
    "block-ratio-learning-rates-mini-long": learningRateRows(runs.get("learning-rates-mini-long") ?? [], "nllPerToken"),
    "block-ratio-sizes": sizeRows([models, larger]),
    "block-ratio-seeds": seedRows(models),
    "block-ratio-seeds-mini": seedRows(larger),
    "block-ratio-effects": effectRows(models, verdicts),
    // What scatters in comparisons with the Transformer is the Transformer: they are nearly one comparison, and pooling tells nothing.
    "block-ratio-comparisons": comparisonRows(verdicts, (name) =>
      name.includes("Transformer") ? undefined : "others",
    ),
  };
  return filled(all);
}

/** One row a ratio, equal data. FLOPs are at the training length, the cache at 8K tokens. Empty without a hybrid of the kind. */
function kindRows(models: Models, kind: Kind, paper: readonly PaperModel[]): Row[] {
  const own = models.ofKind(kind);
  if (!own.some(({ architecture }) => architecture === kind)) return [];
  return own.map((model): Row => {
    const { config, optimizer } = model.runs[0].spec;
    const inter = `inter ${model.ratio}`;
    const against = kind === "intra" && models.find(inter) && model.architecture === "intra" ? [inter] : [];
    return {
      ratio: model.ratio,
      model: model.name,
      layers: config.pattern.length,
      attention: attentionLayers(config.pattern),
      params: model.runs[0].result.params.nonEmbedding,
      lr: optimizer.lr,
      ...lossColumns(model.runs),
      ...differences(models, model.name, "data"),
      ...(kind === "intra" &&
        differenceColumns("vsInter", against.length > 0 ? models.difference(model.name, against[0]) : undefined)),
      ...accuracies(model.runs),
      ...paperColumns(paper, model, "data", against),
      flopsPerToken: Math.round(flopsPerToken(model)),
      cacheBytes8K: cacheBytes(model),
    };
  });
}

/** One row a model at the Transformer's training FLOPs, the Transformer first. Empty when none was trained so. */
function flopsRows(models: Models, paper: readonly PaperModel[]): Row[] {
  const transformer = models.find("Transformer");
  const others = [...models.ofKind("inter", "FLOPs"), ...models.ofKind("intra", "FLOPs")].filter(
    ({ budget }) => budget === "FLOPs",
  );
  if (others.length === 0) return [];
  return [...(transformer ? [transformer] : []), ...new Set(others)].map(
    (model): Row => ({
      model: model.name,
      tokens: model.runs[0].result.tokens,
      trainFlops: Number((flopsPerToken(model) * model.runs[0].result.tokens).toPrecision(4)),
      ...lossColumns(model.runs),
      ...differences(models, model.name, "FLOPs"),
      ...accuracies(model.runs),
      ...paperColumns(paper, model, "FLOPs"),
    }),
  );
}

function differences(models: Models, name: string, budget: Budget): Row {
  return {
    ...differenceColumns("vsTransformer", models.difference(name, "Transformer", budget)),
    ...differenceColumns("vsMamba", models.difference(name, "Mamba", budget)),
  };
}

function paperColumns(
  paper: readonly PaperModel[],
  { name }: Model,
  budget: Budget,
  against: readonly string[] = [],
): Row {
  const columns: Row = {};
  for (const size of paperSizes) {
    const gap = (other: string) => rounded(paperGap(paper, size, [name, other], budget), 3);
    const { nll, accuracy } = paperModel(paper, size, name, budget);
    columns[`paper${size}`] = nll;
    columns[`paper${size}VsTransformer`] = gap("Transformer");
    columns[`paper${size}VsMamba`] = gap("Mamba");
    for (const other of against) columns[`paper${size}VsInter`] = other === "inter 1:0" ? null : gap(other);
    columns[`paper${size}Accuracy`] = accuracy;
  }
  return columns;
}
