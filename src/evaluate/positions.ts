import { Arena, download, tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { Recorder } from "../gpu/recorder.js";
import { headWeight, languageModel } from "../model/language-model.js";
import type { Parameters } from "../model/parameters.js";
import { crossEntropy, notScored, uploadTargets } from "../ops/cross-entropy.js";
import { createTokenBuffers, destroyTokenBuffers, uploadTokens } from "../ops/embedding.js";
import { Tape } from "../ops/tape.js";

/** Tokens of which the last `asked` are what a model is asked for. */
export interface Sequence {
  ids: number[];
  asked: number;
}

export interface Scored {
  /** Summed over the tokens asked for, nats. */
  nll: number;
  /** Each of them was the likeliest. */
  hit: boolean;
}

/** Tokens side by side: a large step on a GPU, and still a short one in software. */
const rowsAtOnce = 16_384;

/**
 * Scores the ends of sequences. Shorter ones are padded behind their end, which nothing before it sees: every layer is causal.
 * @throws Error when a sequence has nothing before what is asked for
 */
export async function scoreSequences(
  gpu: Gpu,
  parameters: Parameters,
  sequences: readonly Sequence[],
): Promise<Scored[]> {
  if (sequences.length === 0) return [];
  for (const { ids, asked } of sequences) {
    if (asked < 1 || ids.length <= asked)
      throw new Error("A sequence needs tokens that are asked for, and one before them.");
  }
  const length = Math.max(...sequences.map(({ ids }) => ids.length - 1));
  const batch = Math.min(sequences.length, Math.max(1, Math.floor(rowsAtOnce / length)));
  const rows = batch * length;
  const { config } = parameters;
  const recorder = new Recorder(gpu);
  const arena = new Arena(gpu);
  const tokens = createTokenBuffers(gpu, rows, config.vocabSize);
  const [targets, perToken, hits] = ["targets", "loss a token", "hits"].map((name) => tensorFrom(gpu, [rows], name));
  const tape = new Tape(recorder, arena, false);
  const hidden = languageModel(tape, parameters, tokens, { batch, length });
  const logitScale = config.multipliers?.logits;
  crossEntropy(tape, hidden, headWeight(parameters), targets, { logitScale, perToken, hits });
  const scored: Scored[] = [];
  try {
    for (let first = 0; first < sequences.length; first += batch) {
      const some = sequences.slice(first, first + batch);
      const inputs = new Uint32Array(rows);
      const answers = new Uint32Array(rows).fill(notScored);
      some.forEach(({ ids, asked }, i) => {
        inputs.set(ids.slice(0, -1), i * length);
        answers.set(ids.slice(-asked), i * length + ids.length - 1 - asked);
      });
      uploadTokens(gpu, tokens, inputs);
      uploadTargets(gpu, targets, answers, config.vocabSize);
      recorder.submit();
      const [losses, right] = [await download(gpu, perToken), await download(gpu, hits)];
      some.forEach(({ ids, asked }, i) => {
        const end = i * length + ids.length - 1;
        const nll = losses.subarray(end - asked, end).reduce((sum, loss) => sum + loss, 0);
        scored.push({ nll, hit: right.subarray(end - asked, end).every((hit) => hit === 1) });
      });
    }
  } finally {
    recorder.destroy();
    arena.destroy();
    destroyTokenBuffers(tokens);
    for (const { buffer } of [targets, perToken, hits]) buffer.destroy();
  }
  return scored;
}
