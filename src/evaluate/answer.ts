import type { Dataset, TokenCodec } from "../data/types.js";
import type { Gpu } from "../gpu/gpu.js";
import { observe } from "../inspect/look.js";
import type { Parameters } from "../model/parameters.js";
import { type Scored, type Sequence, scoreSequences } from "./positions.js";
import { type Question, type Questions, questionsOf } from "./tasks.js";

export interface Score {
  correct: number;
  questions: number;
}

/** What a trained model made of the questions about a validation text. */
export interface Answers {
  tasks: { cloze: Score; lastWord: Score; recall: Score };
  /** Mean α of each layer that learns one, over the contexts of the recall questions (Appendix Q). */
  alphas?: { layer: number; alpha: number }[];
}

/** Passages whose α are averaged, and the tokens of each: the paper takes about 100. One length for all, so that kernels are compiled once. */
const passages = { count: 100, tokens: 128 };

const prepared = new WeakMap<Dataset, Map<number, Questions>>();

/**
 * Puts the questions of `tasks.ts` to a model. An answer that is chosen is the one with the lowest loss a byte; one that is
 * said is right when each of its tokens is the likeliest after those before it, as greedy decoding would give it.
 */
export async function answer(
  gpu: Gpu,
  parameters: Parameters,
  dataset: Dataset,
  { questions: count }: { questions: number },
): Promise<Answers> {
  const questions = prepare(dataset, count);
  const score = async (asked: Question[], right: (answers: Scored[], question: Question) => boolean) => {
    const sequences = asked.flatMap(({ context, answers }) => sequencesOf(dataset.codec, context, answers));
    const scored = await scoreSequences(gpu, parameters, sequences);
    let at = 0;
    const correct = asked.filter((question) => {
      const own = scored.slice(at, at + question.answers.length);
      at += own.length;
      return right(own, question);
    });
    return { correct: correct.length, questions: asked.length };
  };
  const tasks = {
    cloze: await score(questions.cloze, likeliestIsFirst),
    lastWord: await score(questions.lastWord, ([said]) => said.hit),
    recall: await score(questions.recall, ([said]) => said.hit),
  };
  const texts = questions.recall.map(({ context }) => dataset.codec.encode(context).slice(-passages.tokens));
  const whole = texts.filter((ids) => ids.length === passages.tokens).slice(0, passages.count);
  const alphas = await alphasOf(gpu, parameters, whole);
  return { tasks, ...(alphas.length > 0 && { alphas }) };
}

function prepare(dataset: Dataset, count: number): Questions {
  const known = prepared.get(dataset) ?? new Map<number, Questions>();
  prepared.set(dataset, known);
  const questions = known.get(count) ?? questionsOf(dataset, count);
  known.set(count, questions);
  return questions;
}

function sequencesOf(codec: TokenCodec, context: string, answers: string[]): Sequence[] {
  const before = codec.encode(context);
  return answers.map((text) => {
    const after = codec.encode(text);
    return { ids: [...before, ...after], asked: after.length };
  });
}

const utf8 = new TextEncoder();

function likeliestIsFirst(scored: Scored[], { answers }: Question): boolean {
  const perByte = scored.map(({ nll }, i) => nll / utf8.encode(answers[i]).length);
  return perByte.every((other, i) => i === 0 || perByte[0] < other);
}

async function alphasOf(
  gpu: Gpu,
  parameters: Parameters,
  texts: number[][],
): Promise<{ layer: number; alpha: number }[]> {
  if (parameters.config.hybrid?.scale !== "alpha") return [];
  const sums = new Map<number, { sum: number; count: number }>();
  for (const ids of texts) {
    for (const { layer, values } of await observe(gpu, parameters, ids, (name) => name === "alpha")) {
      const known = sums.get(layer) ?? { sum: 0, count: 0 };
      sums.set(layer, { sum: known.sum + values.reduce((a, b) => a + b, 0), count: known.count + values.length });
    }
  }
  return [...sums].map(([layer, { sum, count }]) => ({ layer, alpha: sum / count }));
}
