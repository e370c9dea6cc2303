import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { tokenizerCodec } from "../../src/data/codec.js";
import { type Language, type OpenClass, syntheticLanguage } from "../../src/data/language.js";
import { type SyntheticDocument, syntheticDataset, syntheticDocuments } from "../../src/data/synthetic.js";

const language = syntheticLanguage(0);
const take = (count: number, part = "test"): SyntheticDocument[] => {
  const stream = syntheticDocuments(language, part);
  return Array.from({ length: count }, () => stream.next().value);
};
const documents = take(150);

test("the text is readable ASCII, the same for the same seed, another for other seeds and parts", () => {
  expect(documents[0].text.slice(0, 80)).toBe(
    "A dribrouplim namers every riplom with the wuharn. Krouflearn's boat is trer. Th",
  );
  expect(documents.every(({ text }) => /^[A-Za-z',.?: \n]+$/.test(text))).toBe(true);
  expect(take(3)).toEqual(documents.slice(0, 3));
  expect(take(1, "other")[0].text).not.toBe(documents[0].text);
  expect(syntheticLanguage(1).words.noun).not.toEqual(language.words.noun);
});

test("every word belongs to one class, and every class's usage sums to one in every topic", () => {
  const { words, names, values, usage } = language;
  const all = [...words.noun, ...words.verb, ...words.adjective, ...names.map((name) => name.toLowerCase()), ...values];
  expect(new Set(all).size).toBe(all.length);
  const plurals = new Set(words.noun.map((noun) => `${noun}s`));
  expect(all.some((word) => plurals.has(word))).toBe(false);
  for (const topics of Object.values(usage)) {
    for (const topic of topics) expect(topic.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  }
});

test("nats is -log P(text): a parser that knows only the rules and the text finds the same", () => {
  for (const { text, nats } of documents) expect(parsedNats(text, language)).toBeCloseTo(nats, 6);
});

test("answers repeat what was stated, at distances that spread over decades", () => {
  const distances: number[] = [];
  for (const { text, echoes } of documents) {
    for (const { kind, start, end, source } of echoes) {
      expect(text.slice(start, end)).toBe(text.slice(source, source + end - start));
      expect(source + end - start).toBeLessThanOrEqual(start);
      if (kind === "recall") distances.push(start - source);
      else expect(text.slice(0, start).endsWith("As before: ")).toBe(true);
    }
  }
  distances.sort((a, b) => a - b);
  const quantile = (q: number) => distances[Math.floor(q * distances.length)];
  expect(distances.length).toBeGreaterThan(700);
  expect(quantile(0.1)).toBeLessThan(60);
  expect(quantile(0.95)).toBeGreaterThan(1000);
});

test("no n-gram reaches the floor, and long ones come closer than short ones", () => {
  const { train, validation, floor, name, codec } = syntheticDataset({
    seed: 0,
    trainTokens: 300_000,
    validationTokens: 50_000,
  });
  expect({ name, kind: codec.kind }).toEqual({ name: "synthetic[:300000]", kind: "bytes" });
  expect(train.ids.length).toBeGreaterThanOrEqual(150_000);
  expect(train.bytes).toBe(train.ids.length);
  const [one, three, six] = [1, 3, 6].map((order) => ngramNats(train.ids, validation.ids, order));
  expect(six).toBeLessThan(three);
  expect(three).toBeLessThan(one);
  expect(six).toBeGreaterThan(floor! * 1.2);
  expect(floor).toBeGreaterThan(0.4);
  expect(floor).toBeLessThan(0.55);
});

test("the floor is per token of the codec, and the checksum names the parameters", () => {
  const bpe = tokenizerCodec(
    readFileSync(new URL("../../data/tokenizers/books-bpe-4096.json", import.meta.url), "utf8"),
  );
  const options = { seed: 3, trainTokens: 1000, validationTokens: 20_000 };
  const byBytes = syntheticDataset(options);
  const byBpe = syntheticDataset({ ...options, codec: bpe });
  const cost = (set: typeof byBytes) => (set.floor! * (set.validation.ids.length - 1)) / set.validation.bytes;
  expect(cost(byBpe)).toBeCloseTo(cost(byBytes), 1);
  expect(byBpe.floor!).toBeGreaterThan(byBytes.floor! * 1.5);
  expect(syntheticDataset(options).sha256).toBe(byBytes.sha256);
  expect(syntheticDataset({ ...options, seed: 4 }).sha256).not.toBe(byBytes.sha256);
  expect(() => syntheticDataset({ seed: 0, trainTokens: 0 })).toThrow("trainTokens must be a positive integer, got 0");
});

/** -log P(text) from the text alone; its numbers are stated anew, so that a change of the grammar shows here. */
function parsedNats(text: string, { words, usage, names, attributes, values }: Language): number {
  const index = (list: string[]) => new Map(list.map((word, i) => [word, i]));
  const classes = { noun: index(words.noun), verb: index(words.verb), adjective: index(words.adjective) };
  let nats = 0;
  const charge = (p: number) => {
    if (!(p > 0)) throw new Error(`impossible text near ${text.slice(at, at + 60)}`);
    nats -= Math.log(p);
  };
  let at = 0;
  let belief: number[] = [];
  let queue: string[] = [];
  const newTopic = () => {
    belief = new Array(12).fill(1 / 12);
  };
  const word = (kind: OpenClass, spelling: string) => {
    const i = classes[kind].get(spelling) ?? -1;
    const joint = belief.map((b, t) => b * usage[kind][t][i]);
    const p = joint.reduce((a, b) => a + b, 0);
    charge(p);
    belief = joint.map((b) => b / p);
  };
  const chance = (p: number, yes: boolean) => charge(yes ? p : 1 - p);
  const nounPhrase = (): boolean => {
    const determiner = queue.shift()!;
    const adjective = classes.adjective.has(queue[0]) ? queue.shift()! : undefined;
    const noun = queue.shift()!;
    const plural = !classes.noun.has(noun);
    chance(0.3, plural);
    const determiners: Record<string, number> = plural
      ? { the: 0.5, some: 0.3, many: 0.2 }
      : { the: 0.6, a: 0.25, every: 0.15 };
    charge(determiners[determiner]);
    chance(0.4, adjective !== undefined);
    if (adjective !== undefined) word("adjective", adjective);
    word("noun", plural ? noun.slice(0, -1) : noun);
    return plural;
  };
  const clause = (clauseText: string) => {
    queue = clauseText.split(" ");
    const plural = nounPhrase();
    const verb = queue.shift()!;
    expect(plural || verb.endsWith("s")).toBe(true);
    word("verb", plural ? verb : verb.slice(0, -1));
    const prepositions: Record<string, number> = { near: 0.3, under: 0.2, with: 0.3, behind: 0.2 };
    const hasObject = queue.length > 0 && !(queue[0] in prepositions);
    chance(0.75, hasObject);
    if (hasObject) nounPhrase();
    chance(0.35, queue.length > 0);
    if (queue.length > 0) {
      charge(prepositions[queue.shift()!]);
      nounPhrase();
    }
    expect(queue).toEqual([]);
  };

  let facts: { at: number; subject: string; value: string }[] = [];
  const known = new Set<string>();
  const statements = new Map<string, number>();
  const earlier = (places: number[], chosen: number) => {
    const weights = places.map((place) => 1 / (at - place));
    charge(1 / (at - chosen) / weights.reduce((a, b) => a + b, 0));
  };
  newTopic();
  for (;;) {
    const possible = 0.64 + 0.15 + (facts.length > 0 ? 0.14 : 0) + (statements.size > 0 ? 0.07 : 0);
    const rest = text.slice(at);
    const sentence = rest.slice(0, rest.indexOf(".") + 1);
    const fact = /^([A-Z][a-z]+)'s ([a-z]+) is ([a-z]+)\.$/.exec(sentence);
    const question = /^What is ([A-Z][a-z]+'s [a-z]+)\? It is ([a-z]+)\.$/.exec(sentence);
    if (fact) {
      charge(0.15 / possible);
      expect([names.includes(fact[1]), attributes.includes(fact[2]), values.includes(fact[3])]).toEqual([
        true,
        true,
        true,
      ]);
      const subject = `${fact[1]}'s ${fact[2]}`;
      expect(known.has(subject)).toBe(false);
      charge(1 / (400 * 6 - known.size));
      charge(1 / 64);
      known.add(subject);
      facts.push({ at: at + `${subject} is `.length, subject, value: fact[3] });
    } else if (question) {
      charge(0.14 / possible);
      const asked = facts.find(({ subject }) => subject === question[1])!;
      expect(question[2]).toBe(asked.value);
      earlier(
        facts.map((f) => f.at),
        asked.at,
      );
      facts = facts.filter((f) => f !== asked);
    } else if (sentence.startsWith("As before: ")) {
      charge(0.07 / possible);
      const repeated = sentence.slice("As before: ".length);
      earlier([...statements.values()], statements.get(repeated)!);
      statements.set(repeated, at + "As before: ".length);
    } else {
      charge(0.64 / possible);
      const clauses = (sentence[0].toLowerCase() + sentence.slice(1, -1)).split(", and ");
      for (const [i, c] of clauses.entries()) {
        clause(c);
        chance(0.15, i < clauses.length - 1);
      }
      statements.set(sentence, at);
    }
    at += sentence.length;
    if (at === text.length) {
      charge(0.014);
      return nats;
    }
    const paragraph = text.startsWith("\n\n", at);
    charge(paragraph ? 0.056 : 0.93);
    if (paragraph) newTopic();
    at += paragraph ? 2 : 1;
  }
}

/** Nats a byte of an interpolated (Witten-Bell) n-gram model of bytes. */
function ngramNats(train: ArrayLike<number>, validation: ArrayLike<number>, order: number): number {
  const tables = Array.from({ length: order }, () => new Map<string, Map<number, number>>());
  const contexts = (ids: ArrayLike<number>, i: number) => {
    const chars = String.fromCharCode(
      ...Array.from({ length: Math.min(order - 1, i) }, (_, k) => ids[i - Math.min(order - 1, i) + k]),
    );
    return tables.slice(0, chars.length + 1).map((table, n) => ({ table, context: chars.slice(chars.length - n) }));
  };
  for (let i = 0; i < train.length; i++) {
    for (const { table, context } of contexts(train, i)) {
      const counts = table.get(context) ?? new Map<number, number>();
      if (counts.size === 0) table.set(context, counts);
      counts.set(train[i], (counts.get(train[i]) ?? 0) + 1);
    }
  }
  let nats = 0;
  for (let i = 1; i < validation.length; i++) {
    let p = 1 / 256;
    for (const { table, context } of contexts(validation, i)) {
      const counts = table.get(context);
      if (!counts) break;
      let total = 0;
      for (const count of counts.values()) total += count;
      p = ((counts.get(validation[i]) ?? 0) + counts.size * p) / (total + counts.size);
    }
    nats -= Math.log(p);
  }
  return nats / (validation.length - 1);
}
