/**
 * `braid-lm/workbook`: what notebooks and scripts in Node need beside the models: figures, tables, live progress, a stop that
 * works, model folders and the hub.
 */
export { accuracies } from "../findings/accuracy.js";
export { blockRatio } from "../findings/block-ratio.js";
export { bytes } from "../findings/bytes.js";
export { pooledInWords } from "../findings/comparison-rows.js";
export { costVerdicts } from "../findings/costs.js";
export { checkCosts, costTables, type FigureCheck } from "../findings/costs-checks.js";
export { costExceptions, misprints } from "../findings/costs-exceptions.js";
export { contextFigure, costFigure } from "../findings/costs-figure.js";
export { sourceQualityRows, sourceRows, summaryArithmeticRows } from "../findings/costs-sources.js";
export { agreementRows, costRows, exceptionRows } from "../findings/costs-tables.js";
export type { Finding, PaperTables, Row, Scale, StudyRuns, Verdict } from "../findings/finding.js";
export { describeData } from "../findings/finding.js";
export { fusion } from "../findings/fusion.js";
export { FUSION_SIZES, type FusionDesign, type FusionSize, fusionDesigns } from "../findings/fusion-designs.js";
export { fusionParameterRows, fusionTables } from "../findings/fusion-designs-params.js";
export { findingNamed, findings, studyNamed } from "../findings/index.js";
export { alphaFigure } from "../findings/inside-alpha-figure.js";
export { type FieldLine, receptiveFieldFigure } from "../findings/inside-field-figure.js";
export { type MapPanel, mapsFigure } from "../findings/inside-maps-figure.js";
export { ratesSideBySide } from "../findings/learning-rates.js";
export { recordedMaps } from "../findings/maps.node.js";
export { evennessFigure, keptMapsFigure, mapRows } from "../findings/maps-figures.js";
export { moe } from "../findings/moe.js";
export { type ObtainOptions, obtainRuns } from "../findings/obtain.node.js";
export { paperTable } from "../findings/paper.node.js";
export { placement } from "../findings/placement.js";
export { type GridData, protocols, recordedData } from "../findings/protocol.js";
export { paperTablesOf } from "../findings/recorded.node.js";
export { gpuMinutes, runCostInWords, runCosts } from "../findings/run-cost.js";
export { scaling, scalingName } from "../findings/scaling.js";
export type { Interval, Outcome } from "../findings/stats.js";
export { type PlanOptions, planStudy, type Study, type Variant } from "../findings/study.js";
export { findingsRows, findingsTable } from "../findings/summary.node.js";
export {
  type Architecture,
  type ArchitectureStyle,
  architectureColor,
  architectureOf,
  architectureStyle,
  architectureSymbol,
  architectures,
  ink,
  plotDefaults,
  surface,
} from "../findings/theme.js";
export { resolveModel } from "../hub/resolve.node.js";
export { openModel } from "../inspect/open.node.js";
export { type LoadedModel, loadModel, type SaveOptions, saveModel } from "../model/folder.node.js";
export type { PlannedRun, Provenance, RunRecord } from "../runs/types.js";
export type { TrainProgress } from "../train/progress.js";
export { figureDocument, figuresFolder, renderPng, saveFigure } from "./figure.js";
export { type DisplayHost, liveProgress } from "./live.js";
export { pendingTable } from "./pending-table.js";
export { stoppable } from "./stop.js";
export { htmlTable, plusMinus } from "./table.js";
