import { describe, expect, it } from "vitest";
import { bytesCodec } from "../../src/data/codec.js";
import { loadCodec } from "../../src/data/node.js";
import type { Dataset, TokenCodec } from "../../src/data/types.js";
import { answer } from "../../src/evaluate/answer.js";
import { logitsOf } from "../../src/evaluate/logits.js";
import { scoreSequences } from "../../src/evaluate/positions.js";
import { questionsOf } from "../../src/evaluate/tasks.js";
import { initialValues } from "../../src/model/initialise.js";
import { Parameters } from "../../src/model/parameters.js";
import { tinyConfig } from "../model/fixtures.js";
import { useGpu } from "../ops/harness.js";

const holder = useGpu();

const names = ["Glegg", "Marlow", "Dashwood", "Pirrip", "Wemmick"];
const story = (start: number) =>
  Array.from({ length: 60 }, (_, i) => {
    const name = names[(start + i) % 5];
    return `It was uncle ${name} who went to the house number ${start + i}. Nobody had seen the house before uncle ${name} came there. He did not stay at that house.`;
  }).join(" ");
const pieces = (codec: TokenCodec, documents: string[]) => {
  const ids = Uint16Array.from(documents.flatMap((text) => [codec.separator, ...codec.encode(text)]));
  return { ids, bytes: documents.reduce((sum, text) => sum + text.length + 1, 0) };
};
const dataset = (codec: TokenCodec, train: string): Dataset => ({
  name: "stories",
  sha256: "0".repeat(64),
  codec,
  train: pieces(codec, [train]),
  validation: pieces(codec, [story(100), story(200)]),
});
const plain = "He went to the house and came there again.";

describe("questions", () => {
  it("are about passages of the text: what follows, the last word, the second word of a repeated pair", () => {
    const { cloze, lastWord, recall } = questionsOf(dataset(bytesCodec(), plain), 40);
    const whole = [story(100), story(200)];
    const stands = (text: string) => whole.some((book) => book.includes(text));
    expect([cloze.length, lastWord.length, recall.length]).toEqual([40, 40, 40]);
    for (const { context, answers } of cloze) {
      expect(stands(context + answers[0])).toBe(true);
      expect(answers).toHaveLength(4);
      for (const other of answers.slice(1)) expect(stands(other) && !stands(context + other)).toBe(true);
      expect(context.length).toBeLessThanOrEqual(400);
    }
    for (const {
      context,
      answers: [word],
    } of lastWord) {
      expect(stands(`${context}${word}.`)).toBe(true);
      expect(context.toLowerCase()).toContain(word.trim().toLowerCase());
    }
    for (const {
      context,
      answers: [word],
    } of recall) {
      const first = /[A-Za-z']+\.?$/.exec(context)?.[0];
      expect(context.slice(0, -1)).toContain(`${first}${word}`);
      expect(context.length).toBeLessThanOrEqual(900);
    }
  });

  it("of recall leave out pairs that the training text has", () => {
    const asked = (train: string) =>
      new Set(
        questionsOf(dataset(bytesCodec(), train), 1000).recall.map(
          ({ context, answers }) => `${context.split(" ").at(-1)}${answers[0]}`,
        ),
      );
    expect(asked(plain)).toContain("uncle Marlow");
    expect(asked(`${plain} My uncle Marlow was there.`)).not.toContain("uncle Marlow");
    expect(asked(plain)).not.toContain("He went");
  });

  it("are the same in bytes and in tokens, and again", async () => {
    const bpe = await loadCodec(new URL("../../data/tokenizers/books-bpe-4096.json", import.meta.url).pathname);
    const inBytes = questionsOf(dataset(bytesCodec(), plain), 15);
    expect(questionsOf(dataset(bpe, plain), 15)).toEqual(inBytes);
    expect(questionsOf(dataset(bytesCodec(), plain), 5).cloze).toEqual(inBytes.cloze.slice(0, 5));
  });

  it("are fewer where the text has no more", () => {
    const short = { ...dataset(bytesCodec(), plain), validation: pieces(bytesCodec(), ["No full stop"]) };
    expect(questionsOf(short, 10)).toEqual({ cloze: [], lastWord: [], recall: [] });
  });
});

describe("answers", () => {
  it("are scored as the logits say, whatever stands beside them", async () => {
    const { gpu } = holder;
    const parameters = new Parameters(gpu, tinyConfig("MT"), false);
    parameters.load(initialValues(parameters, 3));
    const sequences = [
      { ids: [1, 7, 9, 200, 3], asked: 2 },
      { ids: [65, 66], asked: 1 },
      { ids: Array.from({ length: 30 }, (_, i) => (i * 37) % 256), asked: 5 },
    ];
    const logits = await logitsOf(
      gpu,
      parameters,
      sequences.map(({ ids }) => ids),
    );
    // One more, whose answer is the likeliest token.
    const row = logits[1].subarray(0, 256);
    sequences.push({ ids: [65, row.indexOf(Math.max(...row))], asked: 1 });
    const scored = await scoreSequences(gpu, parameters, sequences);
    sequences.slice(0, 3).forEach(({ ids, asked }, i) => {
      let nll = 0;
      for (let at = ids.length - asked; at < ids.length; at++) {
        const before = Array.from(logits[i].subarray((at - 1) * 256, at * 256));
        nll += Math.log(before.reduce((sum, logit) => sum + Math.exp(logit), 0)) - before[ids[at]];
      }
      expect(scored[i].nll).toBeCloseTo(nll, 4);
    });
    expect(scored.map(({ hit }) => hit)).toEqual([false, false, false, true]);
    await expect(scoreSequences(gpu, parameters, [{ ids: [1], asked: 1 }])).rejects.toThrow("one before them");
  });

  it("of an untrained model are guesses, one in four; α comes with layers that learn one", async () => {
    const { gpu } = holder;
    const hybrid = {
      heads: 2,
      kvHeads: 1,
      dQk: 16,
      dSsm: 24,
      rope: null,
      scale: "alpha",
      fusion: "add",
      output: "joint",
    } as const;
    const ssm = { ...tinyConfig("M").ssm!, groups: 1 };
    const parameters = new Parameters(gpu, tinyConfig("H", { hybrid, ssm }), false);
    parameters.load(initialValues(parameters, 3));
    const { tasks, alphas } = await answer(gpu, parameters, dataset(bytesCodec(), plain), { questions: 60 });
    expect(tasks.cloze.questions).toBe(60);
    expect(tasks.cloze.correct).toBeGreaterThan(3);
    expect(tasks.cloze.correct).toBeLessThan(32);
    expect(tasks.recall.correct).toBeLessThan(10);
    expect(alphas).toHaveLength(1);
    expect(alphas![0].alpha).toBeGreaterThan(0);
    expect(alphas![0].alpha).toBeLessThan(1);
  });
});
