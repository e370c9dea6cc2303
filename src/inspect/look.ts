/**
 * Looking inside a model: a forward pass over one sequence, in which chosen inner tensors are copied out. Blocks show
 * their tensors while they are recorded (`BlockContext.observe`); these live in the arena, so what is wanted is copied at
 * that point of the recording.
 */

import { Arena, download, tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { Recorder } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";
import type { Mixing } from "../model/blocks/block.js";
import { languageModel } from "../model/language-model.js";
import type { Parameters } from "../model/parameters.js";
import { createTokenBuffers, destroyTokenBuffers, uploadTokens } from "../ops/embedding.js";
import { Tape } from "../ops/tape.js";

/** A tensor that a block shows. */
export interface Seen {
  /** 0-based. */
  layer: number;
  name: string;
  tensor: Tensor;
  mixing?: Mixing;
}

/** A copy; its values are there when the pass has run. */
export interface Copy {
  values: Float32Array;
}

/** Takes copies of what it wants and returns how to make a result of them; undefined: nothing of interest here. */
export type Look<T> = (seen: Seen, copy: (tensor: Tensor) => Copy, tape: Tape) => (() => T) | undefined;

/**
 * Runs the model on `ids` and gives what `look` made of the tensors shown, in the order of the layers.
 * @throws Error when there are no tokens, or one is not in the vocabulary
 */
export async function lookInside<T>(
  gpu: Gpu,
  parameters: Parameters,
  ids: ArrayLike<number>,
  look: Look<T>,
): Promise<T[]> {
  const length = ids.length;
  if (length === 0) throw new Error("There is nothing to look at: give at least one token.");
  const recorder = new Recorder(gpu);
  const arena = new Arena(gpu);
  const tokens = createTokenBuffers(gpu, length, parameters.config.vocabSize);
  const tape = new Tape(recorder, arena, false);
  const copies: { copy: Copy; tensor: Tensor }[] = [];
  const copyOf = (tensor: Tensor): Copy => {
    const copy: Copy = { values: new Float32Array() };
    const kept = tensorFrom(gpu, tensor.shape, `copy of ${tensor.label}`);
    recorder.copy(tensor, kept);
    copies.push({ copy, tensor: kept });
    return copy;
  };
  const results: (() => T)[] = [];
  try {
    uploadTokens(gpu, tokens, Uint32Array.from(ids));
    languageModel(tape, parameters, tokens, {
      batch: 1,
      length,
      observe: (prefix, name, tensor, mixing) => {
        const layer = Number(prefix.slice(prefix.lastIndexOf(".") + 1));
        const result = look({ layer, name, tensor, mixing }, copyOf, tape);
        if (result) results.push(result);
      },
    });
    recorder.submit();
    for (const { copy, tensor } of copies) copy.values = await download(gpu, tensor);
  } finally {
    for (const { tensor } of copies) tensor.buffer.destroy();
    destroyTokenBuffers(tokens);
    recorder.destroy();
    arena.destroy();
  }
  return results.map((result) => result());
}

/** The copy of a tensor that a block showed. */
export interface Observed {
  /** 0-based. */
  layer: number;
  name: string;
  /** Rows first: one a token. */
  shape: readonly number[];
  /** Row-major. Ids and counts of a mixture of experts are u32: read them by `new Uint32Array(values.buffer)`. */
  values: Float32Array;
}

/**
 * Copies of inner tensors of a forward pass over one sequence. Blocks show: "qkv" (attention, rotated), "xBC" (Mamba-2, after
 * the convolution), "alpha" (hybrid layers that learn one), "experts chosen" and "expert weights" (mixture of experts).
 * @param wanted which ones; all by default
 * @throws Error when there are no tokens, or one is not in the vocabulary
 */
export function observe(
  gpu: Gpu,
  parameters: Parameters,
  ids: ArrayLike<number>,
  wanted: (name: string, layer: number) => boolean = () => true,
): Promise<Observed[]> {
  return lookInside(gpu, parameters, ids, ({ layer, name, tensor }, copy) => {
    if (!wanted(name, layer)) return undefined;
    const taken = copy(tensor);
    return () => ({ layer, name, shape: tensor.shape, values: taken.values });
  });
}
