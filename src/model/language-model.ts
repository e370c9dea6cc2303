import { blocksOf } from "../config/blocks/table.js";
import type { Tensor } from "../gpu/tensor.js";
import { concatColumns } from "../ops/columns.js";
import { embedding, type TokenBuffers } from "../ops/embedding.js";
import { rmsNorm } from "../ops/norm.js";
import type { Tape } from "../ops/tape.js";
import type { BlockContext, BlockState, Mixing } from "./blocks/block.js";
import { blockOf } from "./blocks/table.js";
import type { Parameters } from "./parameters.js";

export interface ForwardOptions {
  batch: number;
  length: number;
  /** Generation only: one for each block. */
  states?: BlockState[];
  /** Generation only: u32 [1], how many tokens `states` hold of each sequence; those at hand come after them. */
  position?: Tensor;
  /** Shown inner tensors of each block, by name: "model.layers.3" and the name. */
  observe?: (prefix: string, name: string, tensor: Tensor, mixing?: Mixing) => void;
  afterBackward?: BlockContext["afterBackward"];
}

/** The matrix that turns hidden states into logits: the embedding, or its own. */
export const headWeight = (parameters: Parameters): Tensor =>
  parameters.get(parameters.config.tieEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight");

/**
 * Records the model on tokens [B·T]: embedding, blocks x += mixer(norm(x)), x += ffn(norm(x)), last norm.
 * @returns hidden states [B·T, dModel], to be multiplied by `headWeight` (and by `multipliers.logits`)
 */
export function languageModel(
  tape: Tape,
  parameters: Pick<Parameters, "config" | "get">,
  tokens: TokenBuffers,
  { batch, length, states, position, observe, afterBackward }: ForwardOptions,
): Tensor {
  const { config } = parameters;
  const blocks = blocksOf(config).map((placed) => ({ ...placed, block: blockOf(placed.spec) }));
  const table = parameters.get("model.embed_tokens.weight");
  let x = tape.scope(undefined, () => embedding(tape, tokens, table, config.multipliers?.embedding));
  // A copy: the stream's own gradient is passed on in place, which no other reader may see.
  const embedded = blocks.some(({ block }) => block.readsEmbedding) ? concatColumns(tape, [x]) : undefined;
  for (const [index, { block, layer, prefix }] of blocks.entries()) {
    const context: BlockContext = {
      tape,
      config,
      layer,
      weight: (name) => parameters.get(`${prefix}.${name}`),
      parameter: (name) => parameters.get(name),
      batch,
      length,
      state: states?.[index],
      position,
      embedded,
      observe: observe && ((name, tensor, mixing) => observe(prefix, name, tensor, mixing)),
      afterBackward,
    };
    x = tape.scope(x, () => block.record(context, x));
  }
  if (embedded && !tape.training) tape.release(embedded);
  return tape.scope(x, () => rmsNorm(tape, x, parameters.get("model.norm.weight"), config.normEps));
}
