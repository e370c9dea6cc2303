/**
 * THE pattern table: every letter that a pattern may have. A new block is a file beside this one and a line here, and its
 * GPU half is a file in `src/model/blocks` and a line in the table there; nothing else knows the blocks by name.
 */

import type { LayerKind, ModelConfig } from "../types.js";
import { attention, slidingWindow } from "./attention.js";
import type { BlockSpec, Place } from "./block.js";
import { differential } from "./differential.js";
import { differentialMamba } from "./differential-mamba.js";
import { feedForward } from "./feed-forward.js";
import { intraHybrid, windowedHybrid } from "./intra-hybrid.js";
import { mamba1 } from "./mamba1.js";
import { mamba2 } from "./mamba2.js";
import { mixtureOfExperts } from "./moe.js";
import { parallel } from "./parallel.js";
import { zamba } from "./zamba.js";

const table = new Map<LayerKind, BlockSpec>();
for (const spec of [
  attention,
  slidingWindow,
  mamba2,
  mamba1,
  intraHybrid,
  windowedHybrid,
  differential,
  differentialMamba,
  parallel,
  zamba,
  feedForward,
  mixtureOfExperts,
]) {
  addSpec(spec);
}

/** Adds a block at run time. Throws one sentence when its letter is taken or no single character. */
export function addSpec(spec: BlockSpec): void {
  const { letter, meaning } = spec;
  if ([...letter].length !== 1 || letter === "-")
    throw new Error(`letter: "${letter}" must be one character, not "-".`);
  const known = table.get(letter);
  if (known) throw new Error(`letter: ${letter} is ${known.meaning} already; give ${meaning} another.`);
  table.set(letter, spec);
}

/** All blocks of a role, in the table's order. */
export function specs(role: BlockSpec["role"]): BlockSpec[] {
  return [...table.values()].filter((spec) => spec.role === role);
}

/** The block of a letter, or undefined for "-" and for letters that no block has. */
export function specOf(letter: LayerKind): BlockSpec | undefined {
  return table.get(letter);
}

/** The letters of the feed-forward networks, one a layer. */
export function ffnPatternOf(config: ModelConfig): string {
  const { ffnPattern, pattern } = config;
  if (ffnPattern !== undefined) return ffnPattern;
  const everywhere = config.ffn ? "F" : config.moe ? "E" : "-";
  return everywhere.repeat([...pattern].length);
}

export interface PlacedBlock extends Place {
  spec: BlockSpec;
}

/** All blocks of a model in the order in which they run. */
export function blocksOf(config: ModelConfig): PlacedBlock[] {
  const ffns = [...ffnPatternOf(config)];
  return [...config.pattern].flatMap((mixer, layer) =>
    [mixer, ffns[layer]].flatMap((letter) => {
      const spec = specOf(letter);
      return spec ? [{ spec, layer, prefix: `model.layers.${layer}` }] : [];
    }),
  );
}
