import { describe, expect, it } from "vitest";
import { Rng } from "../../src/data/rng.js";
import { Generator } from "../../src/generate/generator.js";
import { checkSampling, sample } from "../../src/generate/sample.js";
import { initialValues } from "../../src/model/initialise.js";
import { Parameters } from "../../src/model/parameters.js";
import { tinyConfig } from "../model/fixtures.js";
import { expectClose, useGpu } from "../ops/harness.js";

const holder = useGpu();
const prompt = Array.from({ length: 41 }, (_, i) => (i * 37 + 11) % 256);

function generator(pattern: string, capacity = 64): Generator {
  const parameters = new Parameters(holder.gpu, tinyConfig(pattern), false);
  parameters.load(initialValues(parameters, 2));
  return new Generator(holder.gpu, parameters, capacity);
}

describe("reading in pieces", () => {
  it.each(["M"])("gives the logits of reading at once for %s", async (pattern) => {
    const model = generator(pattern);
    const whole = await model.prefill(prompt);
    // Shorter than the convolution's width, of one token, over a chunk of the scan, and the rest.
    for (const cuts of [[2, 3, 9, 30], [1, 2, 3], [17, 34], [40]]) {
      let logits = await model.prefill(prompt.slice(0, cuts[0]));
      for (const [i, cut] of cuts.entries()) logits = await model.extend(prompt.slice(cut, cuts[i + 1]));
      expectClose(`logits after pieces ending at ${cuts}`, logits, whole, 1e-4);
    }
    await expect(model.extend(prompt)).rejects.toThrow("41 tokens more do not fit: there is room for 23.");
    await expect(model.extend([])).rejects.toThrow("There is nothing to read");
    model.destroy();
  });
});

describe("a batch", () => {
  it.each(["MTSM"])("continues each sequence as if it were alone for %s", async (pattern) => {
    const { parameters } = generator(pattern);
    const texts = [prompt, prompt.map((id) => 255 - id)];
    const together = new Generator(holder.gpu, parameters, 64, 2);
    const alone = new Generator(holder.gpu, parameters, 64);
    const join = (from: number, to: number) => texts.flatMap((text) => text.slice(from, to));
    const both = [
      await together.prefill(join(0, 17)),
      await together.decode(join(17, 18)),
      await together.extend(join(18, 41)),
    ];
    for (const [i, text] of texts.entries()) {
      const own = [
        await alone.prefill(text.slice(0, 17)),
        await alone.decode(text[17]),
        await alone.extend(text.slice(18, 41)),
      ];
      for (const [step, logits] of own.entries()) {
        expectClose(`sequence ${i}, step ${step}`, both[step].slice(i * 256, (i + 1) * 256), logits, 1e-4);
      }
    }
    expect(together.cacheBytes).toBe(2 * alone.cacheBytes);
    await expect(together.decode(1)).rejects.toThrow("1 tokens are not 2 sequences of one length.");
    together.destroy();
    alone.destroy();
  });
});

describe("decoding", () => {
  it.each(["T", "S", "M", "MTSM"])("token by token gives the logits of the full evaluation for %s", async (pattern) => {
    const model = generator(pattern);
    // Short and long prompts: below the convolution's width, over the window and over a chunk.
    for (const length of [1, 2, 17, 30]) {
      await model.prefill(prompt.slice(0, length));
      let logits = new Float32Array();
      for (let i = length; i < prompt.length; i++)
        logits = (await model.decode(prompt[i])) as Float32Array<ArrayBuffer>;
      const full = await model.prefill(prompt);
      expectClose(`logits after ${length} + ${prompt.length - length}`, logits, full, 1e-4);
    }
    model.destroy();
  });

  it("repeats itself with a seed and ends at the caches' capacity", async () => {
    const model = generator("MT", 12);
    const text = async (seed: number) => {
      const ids: number[] = [];
      for await (const id of model.generate(prompt.slice(0, 5), { maxTokens: 50, seed })) ids.push(id);
      return ids;
    };
    const first = await text(1);
    expect(first).toHaveLength(8);
    expect(await text(1)).toEqual(first);
    expect(await text(2)).not.toEqual(first);
    await expect(model.prefill(prompt)).rejects.toThrow("The prompt has 41 tokens, but there is room for 12.");
    await expect(model.prefill([])).rejects.toThrow("The prompt is empty");
    model.destroy();
  });
});

describe("sample", () => {
  const logits = Float32Array.of(0, 2, 1, -1);
  const counts = (options: object) => {
    const rng = new Rng(0, "test");
    const seen = [0, 0, 0, 0];
    for (let i = 0; i < 4000; i++) seen[sample(logits, rng, options)]++;
    return seen.map((count) => count / 4000);
  };

  it("takes the likeliest at temperature 0", () => {
    expect(counts({ temperature: 0 })).toEqual([0, 1, 0, 0]);
  });

  it("follows the model's probabilities", () => {
    const total = logits.reduce((sum, value) => sum + Math.exp(value), 0);
    counts({}).forEach((share, i) => {
      expect(Math.abs(share - Math.exp(logits[i]) / total)).toBeLessThan(0.03);
    });
  });

  it("keeps to the k likeliest and to the probability asked for", () => {
    expect(counts({ topK: 2 }).map((share) => share > 0)).toEqual([false, true, true, false]);
    expect(counts({ topP: 0.6 }).map((share) => share > 0)).toEqual([false, true, false, false]);
  });

  it("names the option that makes no sense", () => {
    expect(() => checkSampling({ temperature: -1 })).toThrow("temperature is -1");
    expect(() => checkSampling({ topP: 0 })).toThrow("topP is 0");
    expect(() => checkSampling({ topK: 1.5 })).toThrow("topK is 1.5");
  });
});
