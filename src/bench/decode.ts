import { logitsOf } from "../evaluate/logits.js";
import { Generator } from "../generate/generator.js";
import type { Gpu } from "../gpu/gpu.js";
import { initialValues } from "../model/initialise.js";
import { Parameters } from "../model/parameters.js";
import { checkLogits } from "./gates.js";
import type { NamedModel } from "./models.js";
import { median } from "./timing.js";

/** What a model does with one prompt length and batch size. */
export interface DecodeRate {
  model: string;
  pattern: string;
  /** Sequences side by side. */
  batch: number;
  /** Tokens of each prompt. */
  prompt: number;
  /** Tokens a second, of all sequences together: of the prompt, recording included, and one after another. */
  prefillTokensPerSecond: number;
  decodeTokensPerSecond: number;
  /** Median milliseconds until a token of each sequence is there, its logits on the host. */
  millisecondsPerToken: number;
  /** What the layers remember of `prompt` + decoded tokens. */
  cacheBytes: number;
}

export interface DecodeOptions {
  batches: readonly number[];
  prompts: readonly number[];
  /** Tokens decoded after each prompt. */
  tokens: number;
  repeats: number;
}

/**
 * Times reading a prompt and continuing it greedily, as `Generator` does it, for a model with its initial weights.
 * @throws Error when decoding from caches gives other logits than evaluating the whole text
 */
export async function decodeRates(
  gpu: Gpu,
  { name, config }: NamedModel,
  { batches, prompts, tokens, repeats }: DecodeOptions,
): Promise<DecodeRate[]> {
  const parameters = new Parameters(gpu, config, false);
  parameters.load(initialValues(parameters, 0));
  try {
    await checkDecoding(gpu, name, parameters);
    const rates: DecodeRate[] = [];
    for (const batch of batches) {
      for (const prompt of prompts) {
        const generator = new Generator(gpu, parameters, prompt + tokens, batch);
        // The first time compiles.
        const runs = [];
        for (let i = 0; i <= repeats; i++) runs.push(await continued(generator, prompt, tokens));
        const seconds = median(runs.slice(1).map((run) => run.prefill));
        const each = median(runs.slice(1).map((run) => run.decode)) / tokens;
        rates.push({
          model: name,
          pattern: config.pattern,
          batch,
          prompt,
          prefillTokensPerSecond: (batch * prompt) / seconds,
          decodeTokensPerSecond: batch / each,
          millisecondsPerToken: each * 1000,
          cacheBytes: generator.cacheBytes,
        });
        generator.destroy();
      }
    }
    return rates;
  } finally {
    parameters.destroy();
  }
}

/** Seconds of a prompt and of the tokens after it. */
async function continued(generator: Generator, prompt: number, tokens: number) {
  const { batch, parameters } = generator;
  const { vocabSize } = parameters.config;
  const started = performance.now();
  let logits = await generator.prefill(someIds(batch * prompt, vocabSize));
  const read = performance.now();
  for (let i = 0; i < tokens; i++) logits = await generator.decode(likeliest(logits, vocabSize));
  return { prefill: (read - started) / 1000, decode: (performance.now() - read) / 1000 };
}

/** @throws Error when two short texts, decoded side by side, have other logits than evaluated as a whole */
export async function checkDecoding(gpu: Gpu, name: string, parameters: Parameters): Promise<void> {
  const { vocabSize } = parameters.config;
  const [length, read, batch] = [16, 11, 2];
  const ids = someIds(batch * length, vocabSize);
  const texts = Array.from({ length: batch }, (_, i) => ids.subarray(i * length, (i + 1) * length));
  const whole = await logitsOf(gpu, parameters, texts);
  const generator = new Generator(gpu, parameters, length, batch);
  const column = (t: number) => Uint32Array.from(texts, (text) => text[t]);
  let cached = await generator.prefill(Uint32Array.from(texts.flatMap((text) => [...text.subarray(0, read)])));
  for (let t = read; t <= length; t++) {
    const expected = whole.map((logits) => logits.subarray((t - 1) * vocabSize, t * vocabSize));
    checkLogits(name, cached, Float32Array.from(expected.flatMap((logits) => [...logits])));
    if (t < length) cached = await generator.decode(column(t));
  }
  generator.destroy();
}

const someIds = (count: number, vocabSize: number) =>
  Uint32Array.from({ length: count }, (_, i) => (Math.imul(i, 2654435761) >>> 8) % vocabSize);

/** The likeliest next token of each sequence, from logits [batch, V]. */
function likeliest(logits: Float32Array, vocabSize: number): Uint32Array {
  const ids = new Uint32Array(logits.length / vocabSize);
  for (let row = 0; row < ids.length; row++) {
    const first = row * vocabSize;
    for (let id = 1; id < vocabSize; id++) if (logits[first + id] > logits[first + ids[row]]) ids[row] = id;
  }
  return ids;
}
