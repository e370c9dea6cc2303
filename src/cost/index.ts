export {
  activeWeights,
  type Cost,
  type CostOptions,
  cost,
  linearWeights,
  PAPER_CONTEXT,
  PAPER_TOKENS,
} from "./cost.js";
export { type BlockCost, blockCosts, mixerCost, visiblePairs } from "./layers.js";
export { matchFlops } from "./match.js";
export { estimateTrainingMemory, type TrainingMemory } from "./memory.js";
export { expertParameters } from "./moe.js";
