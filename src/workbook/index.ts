/** `braid-lm/workbook`: what notebooks need beside the models — figures, tables, live progress, a stop that works. */
export { paperTable } from "../findings/paper.node.js";
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
export type { TrainProgress } from "../train/progress.js";
export { figureDocument, figuresFolder, renderPng, saveFigure } from "./figure.js";
export { type DisplayHost, liveProgress } from "./live.js";
export { stoppable, stopSignal } from "./stop.js";
export { htmlTable } from "./table.js";
