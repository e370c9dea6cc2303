/**
 * The rules of the synthetic language: its words, how often each is used, and what each topic prefers. Function words are
 * English, content words are made of syllables, so that the text reads like prose about unknown things.
 */

import { Rng } from "./rng.js";

/** Word classes whose use depends on the topic. */
export type OpenClass = "noun" | "verb" | "adjective";

/** Everything that a model which knows the rules knows. */
export interface Language {
  seed: number;
  words: Record<OpenClass, string[]>;
  /** usage[class][topic][word]: probability of a word given its class and the topic. */
  usage: Record<OpenClass, Float64Array[]>;
  /** People, whose possessions facts are about. */
  names: string[];
  /** What a fact can be about. */
  attributes: string[];
  /** What a fact can state. */
  values: string[];
}

export const topics = 12;
const sizes = { noun: 600, verb: 200, adjective: 200 };
/** A topic prefers this share of each class, and takes this part of its words from its own list. */
const topicShare = 0.1;
const topicWeight = 0.75;

/** The language of a seed. Another seed gives other words and other topics under the same grammar. */
export function syntheticLanguage(seed: number): Language {
  const rng = new Rng(seed, "synthetic language");
  const taken = new Set<string>();
  const lexicon = (count: number, syllables: (rank: number) => number) =>
    Array.from({ length: count }, (_, rank) => newWord(rng, taken, syllables(rank)));
  // As in natural languages, common words are short.
  const byRank = (rank: number) => (rank < 20 ? 1 : rank < 300 ? 2 : 3);
  const words = {
    noun: lexicon(sizes.noun, byRank),
    verb: lexicon(sizes.verb, byRank),
    adjective: lexicon(sizes.adjective, byRank),
  };
  const usage = {
    noun: classUsage(rng, sizes.noun),
    verb: classUsage(rng, sizes.verb),
    adjective: classUsage(rng, sizes.adjective),
  };
  const names = lexicon(400, () => 2).map((word) => word[0].toUpperCase() + word.slice(1));
  const attributes = ["house", "horse", "boat", "song", "coat", "road"];
  return { seed, words, usage, names, attributes, values: lexicon(64, () => 1) };
}

/** Zipf-Mandelbrot weights of ranks 0 .. n - 1, summing to 1. */
function zipf(n: number): Float64Array {
  const weights = Float64Array.from({ length: n }, (_, rank) => 1 / (rank + 3));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

function classUsage(rng: Rng, count: number): Float64Array[] {
  const general = zipf(count);
  const own = zipf(Math.round(topicShare * count));
  return Array.from({ length: topics }, () => {
    const usage = general.map((p) => (1 - topicWeight) * p);
    const order = rng.shuffle(Array.from({ length: count }, (_, i) => i));
    own.forEach((p, rank) => {
      usage[order[rank]] += topicWeight * p;
    });
    return usage;
  });
}

const onsets = "b d f g h k l m n p r s t v w z br dr fl gl kr pl sh sk st th tr".split(" ");
const vowels = "a a a e e e i i i o o o u u ai ea ou".split(" ");
// No coda "s": with it a singular could be read as another word's plural.
const codas = ["", "", "n", "r", "l", "m", "k", "t", "nd", "rn", "st"];
const functionWords = [
  "the",
  "a",
  "every",
  "some",
  "many",
  "near",
  "under",
  "with",
  "behind",
  "and",
  "what",
  "is",
  "it",
  "as",
];

function newWord(rng: Rng, taken: Set<string>, syllables: number): string {
  const pick = (list: string[]) => list[rng.below(list.length)];
  for (;;) {
    let word = "";
    for (let i = 0; i < syllables; i++) word += pick(onsets) + pick(vowels);
    word += pick(codas);
    if (word.length < 3 || /[^aeiou]{4}/.test(word) || taken.has(word) || functionWords.includes(word)) continue;
    taken.add(word);
    return word;
  }
}
