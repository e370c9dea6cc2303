/** What one layer costs beyond the model's ends: sums of what its blocks say of themselves (`src/config/blocks`). */

import type { BlockCost } from "../config/blocks/block.js";
import { blocksOf, specOf } from "../config/blocks/table.js";
import type { LayerKind, ModelConfig } from "../config/types.js";

export type { BlockCost } from "../config/blocks/block.js";
export { visiblePairs } from "../config/visible-pairs.js";

/** Cost of one mixer of a kind at a context length in tokens. Throws when the config lacks the section it needs. */
export function mixerCost(config: ModelConfig, kind: LayerKind, context: number): BlockCost {
  const spec = specOf(kind);
  if (!spec) throw new Error(`pattern: no block has the letter "${kind}".`);
  return spec.cost(config, context);
}

/** Costs of all mixers and feed-forward networks of a model. */
export function blockCosts(config: ModelConfig, context: number): BlockCost[] {
  return blocksOf(config).map(({ spec, ...place }) => spec.cost(config, context, place));
}
