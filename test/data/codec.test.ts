import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Tokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesCodec, checkVocabulary, textStream, tokenizerCodec } from "../../src/data/codec.js";
import { sha256 } from "../../src/data/sha256.js";

const json = readFileSync(new URL("../../data/tokenizers/books-bpe-4096.json", import.meta.url), "utf8");
const bpe = tokenizerCodec(json);
const bytes = bytesCodec();
const utf8 = (text: string) => new TextEncoder().encode(text);

const unicode = fc.string({ unit: "binary", maxLength: 60 });
const prose = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        " ",
        "  ",
        "\n",
        "\n\n",
        "\t",
        "'",
        "'s",
        "'LL",
        ",",
        '."',
        "--",
        "\u00a0",
        "é",
        "e\u0301",
        "漢",
        "😀",
        "7",
        "<|endoftext|>",
      ),
      fc.constantFrom("a", "said", "The", "x", "don't", "understanding", "_", "\r\n", "\u2028", "\u0000", "\ufeff"),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(""));

test("both codecs give any text back, and their byte lengths add up to its UTF-8 length", () => {
  for (const codec of [bytes, bpe]) {
    fc.assert(
      fc.property(fc.oneof(unicode, prose), (text) => {
        const ids = codec.encode(text);
        expect(codec.decode(ids)).toBe(text);
        expect(ids.reduce((n, id) => n + codec.byteLengths[id], 0)).toBe(utf8(text).length);
        expect(ids.every((id) => id < codec.vocabSize)).toBe(true);
      }),
      { numRuns: 300 },
    );
  }
});

test("cached pieces give the ids of the whole text", () => {
  const whole = new Tokenizer({ ...JSON.parse(json), added_tokens: [] }, {});
  fc.assert(
    fc.property(fc.oneof(prose, unicode), (text) => {
      expect(bpe.encode(text)).toEqual(text === "" ? [] : whole.encode(text, { add_special_tokens: false }).ids);
    }),
    { numRuns: 1000 },
  );
});

test("the shipped tokenizer has 4,096 entries and gives the ids that Python's tokenizers gives", () => {
  expect(bpe).toMatchObject({ kind: "bpe", vocabSize: 4096, separator: 0 });
  expect(bpe.sha256).toBe(createHash("sha256").update(json).digest("hex"));
  const text = "It's 1925: the café's \"owner\" -- a man of naïve tastes --  said:\n\nWhat? 漢字 😀\t";
  expect(bpe.encode(text)).toEqual([
    860, 372, 1385, 25, 18, 21, 26, 261, 1251, 70, 128, 103, 372, 397, 492, 268, 2, 2586, 259, 436, 279, 295, 65, 128,
    108, 309, 2773, 285, 2586, 221, 410, 26, 199, 199, 1223, 31, 221, 163, 121, 96, 162, 256, 246, 221, 173, 254, 247,
    223, 198,
  ]);
});

test("a separator decodes to NUL in both codecs and never comes from text", () => {
  expect(bytes.decode([bytes.separator])).toBe("\0");
  expect(bpe.decode([bpe.separator])).toBe("\0");
  expect(bpe.byteLengths[bpe.separator]).toBe(1);
  expect(bpe.encode("<|endoftext|>\0")).not.toContain(bpe.separator);
});

test("streamed ids give the decoded text, never half a character", () => {
  for (const codec of [bytes, bpe]) {
    fc.assert(
      fc.property(unicode, (text) => {
        const next = textStream(codec);
        const parts = codec.encode(`${text}.`).map(next);
        expect(parts.join("")).toBe(`${text}.`);
        expect(parts.some((part) => /[\uD800-\uDFFF]/u.test(part))).toBe(false); // lone surrogates only, under the u flag
      }),
      { numRuns: 200 },
    );
  }
  const next = textStream(bytes);
  expect(Array.from(utf8("aé😀!"), next)).toEqual(["a", "", "é", "", "", "", "😀", "!"]);
  expect([0xff, 0x41].map(next)).toEqual(["", "\uFFFDA"]);
});

test("ids outside the vocabulary are refused", () => {
  expect(() => bpe.decode([4096])).toThrow("token id 4096 is outside the vocabulary (0 to 4095)");
  expect(() => bytes.decode([256])).toThrow("token id 256 is outside the vocabulary (0 to 255)");
});

test("a tokenizer bigger than the model's vocabulary is refused with both sizes", () => {
  checkVocabulary(bpe, 4096);
  expect(() => checkVocabulary(bpe, 256)).toThrow(
    "tokenizer has 4096 entries but the model's vocabSize is 256: set vocabSize to 4096 or more, or choose a tokenizer of at most 256 entries",
  );
});

test("each file that is not a byte-level BPE gets its own sentence", () => {
  const file = JSON.parse(json);
  const reading = (changes: object) => () => tokenizerCodec(JSON.stringify({ ...file, ...changes }), "t.json");
  expect(() => tokenizerCodec("{oops", "t.json")).toThrow("t.json is not JSON: ");
  expect(() => tokenizerCodec("[1]", "t.json")).toThrow('t.json is not a tokenizer.json: it has no "model"');
  expect(reading({ model: { type: "WordPiece", vocab: {} } })).toThrow(
    't.json: model type "WordPiece" is not supported; braid reads byte-level BPE (model type "BPE" with a ByteLevel pre-tokenizer)',
  );
  expect(reading({ pre_tokenizer: { type: "Metaspace" } })).toThrow("t.json: its pre-tokenizer is not ByteLevel");
  expect(reading({ pre_tokenizer: { type: "ByteLevel", add_prefix_space: true } })).toThrow(
    "adds a space before the text",
  );
  expect(reading({ normalizer: { type: "Lowercase" } })).toThrow('t.json: normalizer "Lowercase" changes the text');
  expect(reading({ added_tokens: [] })).toThrow("t.json has no special token to put between documents");
  const { Ā: _, ...vocab } = file.model.vocab;
  expect(reading({ model: { ...file.model, vocab } })).toThrow("t.json has no entry for byte 0x00");
  expect(reading({ model: { ...file.model, vocab: { ...file.model.vocab, "▁x": 4096 } } })).toThrow(
    't.json: vocabulary entry "▁x" is not byte-level',
  );
});

test("sha256 agrees with Node's at every padding length", () => {
  for (const n of [0, 1, 55, 56, 63, 64, 119, 120, 1000]) {
    const data = Uint8Array.from({ length: n }, (_, i) => i * 7);
    expect(sha256(data)).toBe(createHash("sha256").update(data).digest("hex"));
  }
});
