/** The GPU half of the pattern table: a line for each letter of `src/config/blocks/table.ts`. */

import type { BlockSpec } from "../../config/blocks/block.js";
import { addSpec } from "../../config/blocks/table.js";
import { attention, slidingWindow } from "./attention.js";
import type { Block } from "./block.js";
import { differential } from "./differential.js";
import { differentialMamba } from "./differential-mamba.js";
import { feedForward } from "./feed-forward.js";
import { intraHybrid, windowedHybrid } from "./intra-hybrid.js";
import { mamba1 } from "./mamba1.js";
import { mamba2 } from "./mamba2.js";
import { mixture } from "./moe.js";
import { parallel } from "./parallel.js";
import { zamba } from "./zamba.js";

const table = new Map<string, Block>();
for (const block of [
  attention,
  slidingWindow,
  mamba1,
  mamba2,
  intraHybrid,
  windowedHybrid,
  differential,
  differentialMamba,
  parallel,
  zamba,
  feedForward,
  mixture,
]) {
  table.set(block.letter, block);
}

/**
 * Adds a block that is no part of this package, under a letter of its own.
 * @throws Error when the letter is taken, or the two halves have different ones
 */
export function addBlock(spec: BlockSpec, block: Block): void {
  if (spec.letter !== block.letter) throw new Error(`letter: ${spec.letter} on paper, but ${block.letter} on the GPU.`);
  addSpec(spec);
  table.set(block.letter, block);
}

export function blockOf({ letter, meaning }: BlockSpec): Block {
  const block = table.get(letter);
  if (!block) throw new Error(`pattern: ${letter} (${meaning}) has no GPU half in src/model/blocks/table.ts.`);
  return block;
}
