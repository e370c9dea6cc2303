/**
 * Endless text with known structure and a known entropy.
 *
 * A document is a row of paragraphs of sentences. Statements follow a small phrase grammar over Zipfian words (local
 * structure); each paragraph has a hidden topic that prefers some words (slow state); facts are stated once and asked for
 * once, later (recall); earlier statements are repeated word for word (copying). Facts and statements are taken up again with a
 * probability that falls as one over the distance in bytes: log-uniform distances.
 *
 *     Shaim's boat is gleat. The dounds prade every lai near a toust neal. What is Shaim's boat? It is gleat.
 *
 * Entropy. `nats` of a document is -log P(text) under these rules, exactly: it sums -log p over the generator's choices in
 * the order in which they are written, each given the text before it. A text has only one derivation, because every kind of
 * sentence starts in its own way and no word belongs to two classes; the one hidden choice, the topic, is summed out by
 * charging words under the posterior over topics. So no model scores better on average, and the rules themselves score
 * this. It is the figure for a reader who has the whole document before it; scoring in windows that cut documents loses
 * some context and costs more.
 */

import { bytesCodec } from "./codec.js";
import { StreamBuilder } from "./documents.js";
import { type Language, type OpenClass, syntheticLanguage, topics } from "./language.js";
import { Rng } from "./rng.js";
import { sha256 } from "./sha256.js";
import type { Dataset, TokenCodec, TokenStream } from "./types.js";

/** Raised when the same seed would give other text. */
const generatorVersion = 1;

/** A place in a document that can be predicted from an earlier one. */
export interface Echo {
  /** "recall": the value in an answer; "copy": a repeated statement. */
  kind: "recall" | "copy";
  /** Byte range of the predictable text. */
  start: number;
  end: number;
  /** Byte offset of the text that it repeats. */
  source: number;
}

/** One document of the synthetic language, ASCII. */
export interface SyntheticDocument {
  text: string;
  /** -log P(text), the end of the document included. */
  nats: number;
  /** In order. */
  echoes: Echo[];
}

// The grammar's probabilities. After each sentence: go on, start a paragraph, or end the document (3 kB on average).
const next = { on: 0.93, paragraph: 0.056, end: 0.014 };
const kinds = { statement: 0.64, fact: 0.15, question: 0.14, copy: 0.07 };
const pluralChance = 0.3;
const determiners = {
  singular: { the: 0.6, a: 0.25, every: 0.15 },
  plural: { the: 0.5, some: 0.3, many: 0.2 },
};
const adjectiveChance = 0.4;
const objectChance = 0.75;
const placeChance = 0.35;
const prepositions = { near: 0.3, under: 0.2, with: 0.3, behind: 0.2 };
const secondClauseChance = 0.15;

/** Nats of a document's last choice, to end: the price of the separator that follows it. */
const endNats = -Math.log(next.end);

/** Writes one document. */
class Writer {
  text = "";
  nats = 0;
  readonly echoes: Echo[] = [];
  private topic = 0;
  /** Posterior over topics given the paragraph so far. */
  private belief = new Float64Array(topics);
  /** Where each statement was last read. */
  private statements: { at: number; text: string }[] = [];
  /** Facts that nobody has asked for yet. */
  private facts: { at: number; subject: string; value: string }[] = [];
  private readonly known = new Set<string>();

  constructor(
    private readonly language: Language,
    private readonly rng: Rng,
  ) {}

  document(): SyntheticDocument {
    this.newTopic();
    for (;;) {
      this.sentence();
      const then = this.choose(next);
      if (then === "end") return { text: this.text, nats: this.nats, echoes: this.echoes };
      this.text += then === "on" ? " " : "\n\n";
      if (then === "paragraph") this.newTopic();
    }
  }

  private sentence(): void {
    const possible: Record<string, number> = { statement: kinds.statement, fact: kinds.fact };
    if (this.facts.length > 0) possible.question = kinds.question;
    if (this.statements.length > 0) possible.copy = kinds.copy;
    const kind = this.choose(possible);
    if (kind === "statement") this.statement();
    else if (kind === "fact") this.fact();
    else if (kind === "question") this.question();
    else this.copy();
  }

  private statement(): void {
    const at = this.text.length;
    let text = this.clause();
    while (this.chance(secondClauseChance)) text += `, and ${this.clause()}`;
    text = `${text[0].toUpperCase()}${text.slice(1)}.`;
    this.text += text;
    this.remember(at, text);
  }

  private clause(): string {
    const plural = this.chance(pluralChance);
    let text = `${this.nounPhrase(plural)} ${this.word("verb")}${plural ? "" : "s"}`;
    if (this.chance(objectChance)) text += ` ${this.nounPhrase(this.chance(pluralChance))}`;
    if (this.chance(placeChance)) text += ` ${this.choose(prepositions)} ${this.nounPhrase(this.chance(pluralChance))}`;
    return text;
  }

  private nounPhrase(plural: boolean): string {
    const determiner = this.choose(plural ? determiners.plural : determiners.singular);
    const adjective = this.chance(adjectiveChance) ? ` ${this.word("adjective")}` : "";
    return `${determiner}${adjective} ${this.word("noun")}${plural ? "s" : ""}`;
  }

  /** States something new about someone. */
  private fact(): void {
    const { names, attributes, values } = this.language;
    let subject: string;
    do subject = `${this.pick(names)}'s ${this.pick(attributes)}`;
    while (this.known.has(subject));
    this.nats += Math.log(names.length * attributes.length - this.known.size);
    const value = this.pick(values);
    this.nats += Math.log(values.length);
    this.known.add(subject);
    this.text += `${subject} is `;
    this.facts.push({ at: this.text.length, subject, value });
    this.text += `${value}.`;
  }

  /** Asks for a fact and answers. */
  private question(): void {
    const fact = this.earlier(this.facts);
    this.facts = this.facts.filter((other) => other !== fact);
    this.text += `What is ${fact.subject}? It is `;
    const start = this.text.length;
    this.text += fact.value;
    this.echoes.push({ kind: "recall", start, end: this.text.length, source: fact.at });
    this.text += ".";
  }

  /** Repeats a statement. */
  private copy(): void {
    const statement = this.earlier(this.statements);
    this.text += "As before: ";
    const start = this.text.length;
    this.text += statement.text;
    this.echoes.push({ kind: "copy", start, end: this.text.length, source: statement.at });
    this.remember(start, statement.text);
  }

  /** Keeps one place for each statement, the last, so that what may be repeated next follows from the text alone. */
  private remember(at: number, text: string): void {
    this.statements = [...this.statements.filter((other) => other.text !== text), { at, text }];
  }

  private newTopic(): void {
    this.topic = this.rng.below(topics);
    this.belief.fill(1 / topics);
  }

  /** A word of the current topic; it is charged, and judged, as by a reader who infers the topic from the words. */
  private word(kind: OpenClass): string {
    const usage = this.language.usage[kind];
    const index = draw(usage[this.topic], this.rng);
    let p = 0;
    for (let t = 0; t < topics; t++) {
      this.belief[t] *= usage[t][index];
      p += this.belief[t];
    }
    for (let t = 0; t < topics; t++) this.belief[t] /= p;
    this.nats -= Math.log(p);
    return this.language.words[kind][index];
  }

  /** One of the earlier items, with probability in proportion to one over its distance. */
  private earlier<T extends { at: number }>(items: T[]): T {
    const weights = items.map(({ at }) => 1 / (this.text.length - at));
    const total = weights.reduce((a, b) => a + b, 0);
    const index = draw(weights, this.rng, total);
    this.nats -= Math.log(weights[index] / total);
    return items[index];
  }

  private chance(p: number): boolean {
    const yes = this.rng.uniform() < p;
    this.nats -= Math.log(yes ? p : 1 - p);
    return yes;
  }

  private choose(options: Record<string, number>): string {
    const keys = Object.keys(options);
    const weights = Object.values(options);
    const total = weights.reduce((a, b) => a + b, 0);
    const index = draw(weights, this.rng, total);
    this.nats -= Math.log(weights[index] / total);
    return keys[index];
  }

  /** Uniform; the caller charges it. */
  private pick(list: string[]): string {
    return list[this.rng.below(list.length)];
  }
}

/** An index drawn in proportion to the weights. */
function draw(weights: ArrayLike<number>, rng: Rng, total = 1): number {
  let u = rng.uniform() * total;
  for (let i = 0; i < weights.length - 1; i++) {
    u -= weights[i];
    if (u < 0) return i;
  }
  return weights.length - 1;
}

/** Documents without end. @param part names the stream, e.g. "train"; other parts of the same seed are unrelated */
export function* syntheticDocuments(language: Language, part: string): Generator<SyntheticDocument, never> {
  const rng = new Rng(language.seed, `synthetic ${part}`);
  for (;;) yield new Writer(language, rng).document();
}

/** What to generate. */
export interface SyntheticOptions {
  /** Decides the language and the documents. */
  seed: number;
  /** Whole documents are written until the training stream has at least so many tokens. */
  trainTokens: number;
  /** Likewise for validation; 262,144 unless given. */
  validationTokens?: number;
  /** Bytes unless given. */
  codec?: TokenCodec;
}

/** Training tokens unless told otherwise. */
export const defaultTokens = 16_000_000;

/** The data set's name: "synthetic", or "synthetic[:65536]" for another number of training tokens, as texts that are cut are called. */
const nameOf = (trainTokens: number) => (trainTokens === defaultTokens ? "synthetic" : `synthetic[:${trainTokens}]`);

const named = /^synthetic(?:\[:(\d+)\])?$/;

/** Whether a data set of this name is the synthetic language. */
export const isSynthetic = (name: string): boolean => named.test(name);

/**
 * The training tokens of the synthetic data set that a run has read; undefined where it read other data. Older runs do not say it in the
 * name: of them the checksum tells whether it was the usual number or that of the run's own tokens.
 */
export function syntheticTokens(data: { name: string; sha256: string }, runTokens: number): number | undefined {
  if (!isSynthetic(data.name)) return undefined;
  const cut = named.exec(data.name)?.[1];
  if (cut !== undefined) return Number(cut);
  return data.sha256 === checksum({ seed: 0, trainTokens: runTokens }) ? runTokens : defaultTokens;
}

/** A checksum of what the language is generated from. */
function checksum({ seed, trainTokens, validationTokens = usualValidation }: SyntheticOptions): string {
  return sha256(`braid synthetic ${generatorVersion} ${JSON.stringify({ seed, trainTokens, validationTokens })}`);
}

const usualValidation = 2 ** 18;

/**
 * The synthetic language as a data set, with the floor of its validation stream: nats a token that the generator's own
 * rules score there (see the top of the file). `sha256` is over the generator's parameters.
 * @throws Error when a token count is not a positive integer
 */
export function syntheticDataset(options: SyntheticOptions): Dataset {
  const { seed, trainTokens, validationTokens = usualValidation, codec = bytesCodec() } = options;
  for (const [name, value] of Object.entries({ trainTokens, validationTokens })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${name} must be a positive integer, got ${value}`);
  }
  const language = syntheticLanguage(seed);
  const generate = (part: string, tokens: number): { stream: TokenStream; nats: number } => {
    const builder = new StreamBuilder(codec);
    let nats = 0;
    for (const document of syntheticDocuments(language, part)) {
      builder.add(document.text);
      nats += document.nats;
      if (builder.tokens >= tokens) break;
    }
    return { stream: builder.stream(), nats: nats - endNats };
  };
  const train = generate("train", trainTokens);
  const validation = generate("validation", validationTokens);
  return {
    name: nameOf(trainTokens),
    sha256: checksum({ seed, trainTokens, validationTokens }),
    codec,
    train: train.stream,
    validation: validation.stream,
    // The first token is never a target, and no separator follows the last document.
    floor: validation.nats / (validation.stream.ids.length - 1),
  };
}
