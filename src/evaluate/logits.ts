import { Arena, download } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { Recorder } from "../gpu/recorder.js";
import { headWeight, languageModel } from "../model/language-model.js";
import type { Parameters } from "../model/parameters.js";
import { createTokenBuffers, destroyTokenBuffers, uploadTokens } from "../ops/embedding.js";
import { linear } from "../ops/linear.js";
import { Tape } from "../ops/tape.js";

/**
 * Logits after every token of some sequences, evaluated side by side. Shorter ones are padded behind their end, which
 * nothing before it sees: every layer is causal.
 * @returns for each sequence its logits [T, V]
 * @throws Error when there is nothing to evaluate
 */
export async function logitsOf(
  gpu: Gpu,
  parameters: Parameters,
  sequences: readonly ArrayLike<number>[],
): Promise<Float32Array[]> {
  const length = Math.max(0, ...sequences.map((ids) => ids.length));
  if (sequences.some((ids) => ids.length === 0) || length === 0) {
    throw new Error("There is nothing to evaluate: every sequence needs at least one token.");
  }
  const { config } = parameters;
  const batch = sequences.length;
  const ids = new Uint32Array(batch * length);
  sequences.forEach((sequence, i) => {
    ids.set(Array.from(sequence), i * length);
  });
  const recorder = new Recorder(gpu);
  const arena = new Arena(gpu);
  const tokens = createTokenBuffers(gpu, batch * length, config.vocabSize);
  let all: Float32Array;
  try {
    const tape = new Tape(recorder, arena, false);
    const hidden = languageModel(tape, parameters, tokens, { batch, length });
    const logits = linear(tape, hidden, [headWeight(parameters)], "logits", undefined, {
      scale: config.multipliers?.logits,
    });
    uploadTokens(gpu, tokens, ids);
    recorder.submit();
    all = await download(gpu, logits);
  } finally {
    recorder.destroy();
    destroyTokenBuffers(tokens);
    arena.destroy();
  }
  return sequences.map((sequence, i) => {
    const first = i * length * config.vocabSize;
    return all.slice(first, first + sequence.length * config.vocabSize);
  });
}
