import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { bytesCodec, tokenizerCodec } from "../../src/data/codec.js";
import { loadCodec } from "../../src/data/codec.node.js";
import { firstInvalidUtf8, holdOut } from "../../src/data/documents.js";
import { loadText } from "../../src/data/text.node.js";
import { loadTokens, saveTokens } from "../../src/data/tokens.node.js";
import type { Dataset } from "../../src/data/types.js";

const folder = mkdtempSync(join(tmpdir(), "braid-data-"));
afterAll(() => rmSync(folder, { recursive: true }));
const put = (name: string, data: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, data);
  return path;
};
const bytes = bytesCodec();
const bpeFile = new URL("../../data/tokenizers/books-bpe-4096.json", import.meta.url).pathname;
const bpe = tokenizerCodec(readFileSync(bpeFile, "utf8"));
const sha = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");

/** `xz` of the three documents below, made once with the xz tool. */
const three = "One.\0Two, with more text in it.\0Three é.\n";
const threeXz = Buffer.from(
  "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQApT25lLgBUd28sIHdpdGggbW9yZSB0ZXh0IGluIGl0LgBUaHJlZSDDqS4KAAAAZ60z0ygz8RUAAUIqelFyOR+2830BAAAAAARZWg==",
  "base64",
);

const load = (train: string, options: object = {}) => loadText({ train, codec: bytes, cache: false, ...options });
const long = (n: number) => Array.from({ length: n }, (_, i) => `Line ${i} of a longer text.\n`).join("");

test("plain, gz and xz files give the same data set; documents are each preceded by the separator", async () => {
  const validation = put("validation.txt", "Held out.");
  const plain = await load(put("three.txt", three), { validation });
  expect(plain).toMatchObject({ name: "three", sha256: sha(three), validationSha256: sha("Held out.") });
  expect(bytes.decode(plain.train.ids)).toBe(`\0${three}`);
  expect(bytes.decode(plain.validation.ids)).toBe("\0Held out.");
  expect(plain.train.bytes).toBe(Buffer.byteLength(three) + 1);
  for (const path of [put("three.txt.gz", gzipSync(three)), put("three.txt.xz", threeXz), put("three.xz", threeXz)]) {
    const packed = await load(path, { validation });
    expect(packed.train).toEqual(plain.train);
    expect(packed).toMatchObject({ name: "three", sha256: plain.sha256 });
  }
});

test("BPE streams count the bytes of the text", async () => {
  const { train } = await load(put("bpe.txt", three), { codec: bpe, validation: put("validation.txt", "Held out.") });
  expect(bpe.decode(train.ids)).toBe(`\0${three}`);
  expect(train.bytes).toBe(Buffer.byteLength(three) + 1);
  expect(train.ids).toBeInstanceOf(Uint16Array);
});

test("without a validation file, whole documents are held out: at least one, about 3 %, the same ones every time", () => {
  const documents = Array.from({ length: 200 }, (_, i) => Buffer.from(`Document ${i}. ${"x".repeat(100)}`));
  const { train, validation } = holdOut(documents, "t");
  const size = (parts: Uint8Array[]) => parts.reduce((n, part) => n + part.length, 0);
  expect(size(validation) / size(documents)).toBeGreaterThanOrEqual(0.03);
  expect(size(validation) / size(documents)).toBeLessThan(0.035);
  expect([...train, ...validation].map(String).sort()).toEqual(documents.map(String).sort());
  const reversed = holdOut([...documents].reverse(), "t");
  expect(reversed.validation.map(String).sort()).toEqual(validation.map(String).sort());
  expect(holdOut(documents.slice(0, 2), "t").validation.length).toBe(1);
});

test("of a single document the last 5 % is held out, cut at a newline or else between characters", () => {
  const text = long(100);
  const [train, validation] = Object.values(holdOut([Buffer.from(text)], "t")).map((parts) =>
    Buffer.concat(parts).toString(),
  );
  expect(train + validation).toBe(text);
  expect(train.endsWith("\n")).toBe(true);
  expect(validation.length / text.length).toBeCloseTo(0.05, 1);
  for (const one of ["é".repeat(100), "😀".repeat(99)]) {
    const parts = Object.values(holdOut([Buffer.from(one)], "t")).map((part) => Buffer.concat(part).toString());
    expect(parts.join("")).toBe(one);
    expect(parts.every((part) => part.length > 0)).toBe(true);
  }
  expect(() => holdOut([Buffer.from("short")], "data file t.txt")).toThrow(
    "data file t.txt has 5 bytes, too few to set some aside for validation",
  );
});

test("each unreadable file gets its own sentence", async () => {
  const says = async (path: string, message: string) =>
    expect(load(path)).rejects.toThrow(message.replace("PATH", path));
  const gz = gzipSync(long(1000));
  mkdirSync(join(folder, "folder.txt"));
  await says(join(folder, "missing.txt"), "data file PATH does not exist");
  await says(join(folder, "folder.txt"), "data file PATH is a folder");
  await says(put("empty.txt", ""), "data file PATH is empty");
  await says(put("empty.txt.gz", gzipSync("")), "data file PATH holds no text");
  await says(put("nul.txt", "\0\0"), "data file PATH holds no text");
  await says(
    put("table.parquet", "x"),
    'data file PATH has the ending ".parquet"; braid reads .txt, .txt.gz and .txt.xz',
  );
  await says(put("half.txt.gz", gz.subarray(0, gz.length / 2)), "data file PATH is truncated, damaged or not gz data");
  await says(put("half.txt.xz", threeXz.subarray(0, 50)), "data file PATH is truncated, damaged or not xz data");
  await says(put("fake.txt.xz", long(10)), "data file PATH is truncated, damaged or not xz data");
  await says(
    put("latin1.txt", Buffer.from("good\0\0also good\0caf\xe9 bad", "latin1")),
    "data file PATH is not UTF-8: invalid byte at offset 19 (document 3)",
  );
  await expect(load(put("three.txt", three), { limitTokens: 0 })).rejects.toThrow(
    "limitTokens must be a positive integer, got 0",
  );
});

test("the first invalid byte is found as TextDecoder sees it", () => {
  const strict = (data: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(data);
  const edges = fc.constantFrom(
    0x00,
    0x41,
    0x7f,
    0x80,
    0x9f,
    0xa0,
    0xbf,
    0xc0,
    0xc2,
    0xe0,
    0xe1,
    0xed,
    0xf0,
    0xf1,
    0xf4,
    0xf5,
    0xff,
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(edges, fc.integer({ min: 0, max: 255 })), { maxLength: 8 }), (list) => {
      const data = Uint8Array.from(list);
      const at = firstInvalidUtf8(data);
      if (at < 0) return void strict(data);
      strict(data.subarray(0, at));
      expect(() => strict(data)).toThrow();
      // The sequence that starts at `at` is bad whatever follows the next three bytes.
      expect(() => strict(data.subarray(at))).toThrow();
    }),
    { numRuns: 1000 },
  );
});

test("a limit keeps the first training tokens and shows in the name", async () => {
  const path = put("long.txt", long(100));
  const whole = await load(path, { name: "corpus" });
  const limited = await load(path, { name: "corpus", limitTokens: 500 });
  expect(whole.name).toBe("corpus");
  expect(limited).toMatchObject({ name: "corpus[:500]", sha256: whole.sha256, validation: whole.validation });
  expect(limited.train).toEqual({ ids: whole.train.ids.slice(0, 500), bytes: 500 });
});

test("tokenised texts are cached, and a damaged cache entry is made anew", async () => {
  const cache = join(folder, "cache");
  const train = put("cached.txt", long(200));
  const first = await load(train, { codec: bpe, cache });
  const [entry] = readdirSync(join(cache, "tokens"));
  const path = join(cache, "tokens", entry);
  const written = readFileSync(path);
  let tokenised = 0;
  const count = { codec: bpe, cache, onProgress: () => tokenised++ };
  expect(await load(train, count)).toEqual(first);
  expect(tokenised).toBe(0);
  writeFileSync(path, written.subarray(0, written.length - 2));
  expect(await load(train, count)).toEqual(first);
  expect(tokenised).toBeGreaterThan(0);
  expect(readFileSync(path)).toEqual(written);
  await load(train, { codec: bpe, cache, validation: put("validation.txt", "Held out.") });
  expect(readdirSync(join(cache, "tokens")).length).toBe(2); // the temporary files are gone, too
});

test("a data set saved as tokens comes back the same, packed or not", async () => {
  const saved: Dataset = await load(put("saved.txt", long(100)), { codec: bpe, name: "corpus" });
  for (const name of ["saved.tokens", "saved.tokens.gz"]) {
    const path = join(folder, name);
    saveTokens(saved, path);
    expect(await loadTokens(path, bpe)).toEqual(saved);
    await expect(loadTokens(path, bytes)).rejects.toThrow(
      `tokens file ${path} was made with tokenizer bpe da4d36034dfc, not bytes`,
    );
  }
  const path = join(folder, "saved.tokens");
  const damaged = put("damaged.tokens", readFileSync(path).subarray(0, -1));
  await expect(loadTokens(damaged, bpe)).rejects.toThrow(`tokens file ${damaged} is truncated or damaged`);
  const foreign = put("foreign.tokens", "hello");
  await expect(loadTokens(foreign, bpe)).rejects.toThrow(`tokens file ${foreign} does not start with the header line`);
  expect(() => saveTokens(saved, "x.bin")).toThrow("tokens are written as .tokens or .tokens.gz, not x.bin");
});

test("codecs are named by bytes or a path", async () => {
  expect((await loadCodec("bytes")).kind).toBe("bytes");
  expect((await loadCodec(bpeFile)).sha256).toBe(bpe.sha256);
  await expect(loadCodec("no/such.json")).rejects.toThrow("tokenizer file no/such.json does not exist");
  const bad = put("bad.json", "{");
  await expect(loadCodec(bad)).rejects.toThrow(`tokenizer file ${bad} is not JSON: `);
});
