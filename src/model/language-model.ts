import type { Tensor } from "../gpu/tensor.js";
import { embedding, type TokenBuffers } from "../ops/embedding.js";
import { rmsNorm } from "../ops/norm.js";
import type { Tape } from "../ops/tape.js";
import { attentionMixer, feedForward, type LayerContext, mambaMixer } from "./layers.js";
import type { Parameters } from "./parameters.js";
import type { LayerState } from "./state.js";

export interface ForwardOptions {
  batch: number;
  length: number;
  /** Generation only: one for each layer. */
  states?: LayerState[];
  /** Decoding only: u32 [1], the place of the one token of each sequence. */
  position?: Tensor;
}

/** The matrix that turns hidden states into logits: the embedding, or its own. */
export const headWeight = (parameters: Parameters): Tensor =>
  parameters.get(parameters.config.tieEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight");

/**
 * Records the model on tokens [B·T]: embedding, blocks x += mixer(norm(x)), x += ffn(norm(x)), last norm.
 * @returns hidden states [B·T, dModel], to be multiplied by `headWeight`
 */
export function languageModel(
  tape: Tape,
  parameters: Parameters,
  tokens: TokenBuffers,
  { batch, length, states, position }: ForwardOptions,
): Tensor {
  const { config } = parameters;
  let x = tape.scope(undefined, () => embedding(tape, tokens, parameters.get("model.embed_tokens.weight")));
  for (const [index, kind] of [...config.pattern].entries()) {
    const weight = (name: string) => parameters.get(`model.layers.${index}.${name}`);
    const context: LayerContext = { tape, config, weight, batch, length, state: states?.[index], position };
    x = tape.scope(x, () => {
      const mixed = kind === "M" ? mambaMixer(context, x) : attentionMixer(context, x, kind as "T" | "S");
      return feedForward(context, mixed);
    });
  }
  return tape.scope(x, () => rmsNorm(tape, x, parameters.get("model.norm.weight"), config.normEps));
}
