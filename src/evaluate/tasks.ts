/**
 * Questions about the validation text, the same ones whatever the tokenizer: what a small model can answer in place of the
 * paper's benchmarks.
 *
 * - *cloze*: which of four passages goes on from here? The other three come from elsewhere in the same book (as HellaSwag).
 * - *last word*: the last word of a sentence, which occurs earlier in the passage (as LAMBADA).
 * - *recall*: the second word of a pair that stands earlier in the passage and nowhere in the first 2 million characters of
 *   the training text, so that it must be found in the context (Arora et al. 2023, "Zoology", measure models so).
 */
import { Rng } from "../data/rng.js";
import type { Dataset, TokenStream } from "../data/types.js";

export interface Question {
  context: string;
  /** What may follow, the right one first; one alone where it is to be said rather than chosen. */
  answers: string[];
}

export interface Questions {
  cloze: Question[];
  lastWord: Question[];
  recall: Question[];
}

/** Characters of a passage: the longest leaves room for its answer in 1,024 bytes, the context of the recorded runs. */
const length = { cloze: 400, continuation: 100, lastWord: 600, recall: 900 };
/** Characters of training text in which a pair must not occur. */
const readCharacters = 2_000_000;

/** @param count questions of each task, fewer where the text has not so many; which ones depends on the text alone */
export function questionsOf(dataset: Dataset, count: number): Questions {
  const documents = documentsOf(dataset, dataset.validation.ids);
  const read = documentsOf(dataset, beginning(dataset.train)).join("\n").slice(0, readCharacters);
  const known = wordPairs(read);
  const pick = (task: string, found: Question[]) => new Rng(0, task).shuffle(found).slice(0, count);
  return {
    cloze: pick("cloze", documents.flatMap(clozeIn)),
    lastWord: pick("last word", documents.flatMap(lastWordsIn)),
    recall: pick(
      "recall",
      documents.flatMap((text) => recallIn(text, known)),
    ),
  };
}

function documentsOf({ codec }: Dataset, ids: TokenStream["ids"]): string[] {
  const documents: string[] = [];
  let start = 0;
  for (let i = 0; i <= ids.length; i++) {
    if (i < ids.length && ids[i] !== codec.separator) continue;
    if (i > start) documents.push(codec.decode(ids.subarray(start, i)));
    start = i + 1;
  }
  return documents;
}

/** Tokens that hold `readCharacters` and some more, for texts whose beginning is denser than the rest. */
function beginning({ ids, bytes }: TokenStream): TokenStream["ids"] {
  return ids.subarray(0, Math.ceil((1.5 * readCharacters * ids.length) / bytes));
}

/** Where sentences end whose paragraph goes on: places between a full stop (and a quote) and a space. */
function sentenceEnds(text: string): number[] {
  return [...text.matchAll(/[.!?]["']?(?= [A-Z"'])/g)].map((found) => found.index + found[0].length);
}

/** The last `most` characters before a place, from a word's beginning on. */
function before(text: string, end: number, most: number): string {
  const cut = text.slice(Math.max(0, end - most), end);
  return end <= most ? cut : cut.slice(cut.search(/\s/) + 1);
}

function clozeIn(text: string, index: number): Question[] {
  const ends = sentenceEnds(text).filter((end) => end >= length.cloze && end + length.continuation < text.length);
  if (ends.length < 4) return [];
  const rng = new Rng(index, "cloze distractors");
  const following = (end: number) => {
    const cut = text.slice(end, end + length.continuation);
    return cut.slice(0, Math.max(2, cut.lastIndexOf(" ")));
  };
  return ends.map((end) => {
    const others = new Set<number>();
    while (others.size < 3) {
      const other = ends[rng.below(ends.length)];
      if (other !== end) others.add(other);
    }
    return { context: before(text, end, length.cloze), answers: [end, ...others].map(following) };
  });
}

function lastWordsIn(text: string): Question[] {
  return [...text.matchAll(/ ([A-Za-z]{4,})[.!?](?=["']?\s)/g)].flatMap(({ index, 0: { length: all }, 1: word }) => {
    const context = before(text, index, length.lastWord);
    const seen = all > 0 && new RegExp(`\\b${word}\\b`, "i").test(context);
    return seen ? [{ context, answers: [` ${word}`] }] : [];
  });
}

/** Pairs of words of one line, joined by one space, and where the second begins (at its space). */
function* pairsIn(text: string): Generator<{ pair: string; second: string; at: number }> {
  const words = /[A-Za-z']+\.?(?= ([A-Za-z]{4,})(?![\w']))/g;
  for (const found of text.matchAll(words)) {
    yield { pair: `${found[0]} ${found[1]}`, second: found[1], at: found.index + found[0].length };
  }
}

function wordPairs(text: string): Set<string> {
  const pairs = new Set<string>();
  for (const { pair } of pairsIn(text)) pairs.add(pair);
  return pairs;
}

function recallIn(text: string, known: ReadonlySet<string>): Question[] {
  const last = new Map<string, number>();
  const found: Question[] = [];
  for (const { pair, second, at } of pairsIn(text)) {
    const earlier = last.get(pair);
    last.set(pair, at);
    // The first occurrence must lie in the passage as a whole.
    if (earlier === undefined || at - earlier > length.recall - 2 * pair.length || known.has(pair)) continue;
    found.push({ context: before(text, at, length.recall), answers: [` ${second}`] });
  }
  return found;
}
