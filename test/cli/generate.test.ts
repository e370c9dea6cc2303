import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { specialTokens } from "../../src/cli/special-tokens.js";
import type { ModelConfig } from "../../src/config/types.js";
import { bytesCodec } from "../../src/data/codec.js";
import { Rng } from "../../src/data/rng.js";
import { saveModel } from "../../src/model/folder.node.js";
import { layoutOf } from "../../src/model/parameters.js";
import { folderOf } from "../families/fixtures.js";
import { tinyConfig } from "../model/fixtures.js";

const cli = new URL("../../dist/cli/main.js", import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), "braid-generate-"));
const model = join(root, "model");
const ended = join(root, "ended");
const published = join(root, "published");
const converted = join(root, "converted");
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Random weights that write lower case letters only, so that the text can be counted: the other bytes look like nothing. */
function letters(config: ModelConfig): Float32Array {
  const { table, size } = layoutOf(config);
  const rng = new Rng(3, "generate test");
  const values = Float32Array.from({ length: size }, () => 0.2 * (rng.uniform() - 0.5));
  // The last norm over a zero-mean row makes logits small; larger embeddings spread them.
  for (const { name, offset, size: length } of table) {
    if (/norm\.weight$|layernorm\.weight$/.test(name)) values.fill(1, offset, offset + length);
  }
  const embedding = table[0];
  for (let i = 0; i < embedding.size; i++) values[embedding.offset + i] *= 5;
  for (let byte = 0; byte < 256; byte++) {
    if (byte >= 97 && byte <= 122) continue;
    values.fill(0, embedding.offset + byte * config.dModel, embedding.offset + (byte + 1) * config.dModel);
  }
  return values;
}

beforeAll(() => {
  const config = tinyConfig("MT");
  saveModel(model, config, letters(config), "bytes");
  saveModel(ended, config, new Float32Array(layoutOf(config).size), "bytes");
  saveModel(converted, { ...config, vocabSize: 43 }, letters({ ...config, vocabSize: 43 }), "bytes");
  saveModel(published, tinyConfig("TT"), letters(tinyConfig("TT")), "bytes", { as: "llama" });
});

/** Nobody listens at port 9. */
const env = { ...process.env, HF_ENDPOINT: "http://127.0.0.1:9", BRAID_CACHE: join(root, "cache") };

function generate(...options: string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, "generate", ...options], {
    encoding: "utf8",
    env,
  });
  return { status, out: stdout, err: stderr };
}
const text = (...options: string[]) => generate("--model", model, "--prompt", "abc", "--tokens", "12", ...options);

describe("the special tokens of a published model", () => {
  const read = (files: Record<string, unknown>) => {
    const folder = mkdtempSync(join(root, "special-"));
    for (const [file, json] of Object.entries(files)) writeFileSync(join(folder, file), JSON.stringify(json));
    return specialTokens(folder);
  };
  const config = { eos_token_id: 2 };

  it("are what the tokenizer's template puts before text, and what ends it", () => {
    const template = {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>" } }, { Sequence: { id: "A" } }, { SpecialToken: { id: "</s>" } }],
      special_tokens: { "<s>": { ids: [7] }, "</s>": { ids: [8] } },
    };
    const post_processor = { type: "Sequence", processors: [{ type: "ByteLevel" }, template] };
    const generation = { eos_token_id: [8, 9] };
    expect(
      read({ "config.json": config, "generation_config.json": generation, "tokenizer.json": { post_processor } }),
    ).toEqual({ before: [7], ends: [8, 9] });
    expect(read({ "config.json": config, "tokenizer.json": { post_processor: template } })).toEqual({
      before: [7],
      ends: [2],
    });
  });

  it("are none where the folder says nothing", () => {
    expect(read({ "config.json": { eos_token_id: null }, "tokenizer.json": { post_processor: null } })).toEqual({
      before: [],
      ends: [],
    });
    expect(read({ "config.json": {}, "tokenizer.json": { post_processor: { type: "ByteLevel" } } }).before).toEqual([]);
    expect(read({ "config.json": {}, "generation_config.json": {} }).ends).toEqual([]);
  });
});

describe("braid generate", () => {
  it("continues the prompt: the same text for a seed, another for another", () => {
    const first = text("--seed", "1", "--top-k", "20");
    expect(first.err).toMatch(/^12 tokens, .*tok\/s\n$/);
    expect(first.status).toBe(0);
    expect(first.out).toMatch(/^abc[a-z]{12}\n$/);
    expect(text("--seed", "1", "--top-k", "20").out).toBe(first.out);
    expect(text("--seed", "2", "--top-k", "20").out).not.toBe(first.out);
  });

  it("takes the likeliest token whatever the seed at temperature 0, and at top-k 1", () => {
    const greedy = text("--seed", "1", "--temperature", "0").out;
    expect(text("--seed", "2", "--temperature", "0").out).toBe(greedy);
    expect(text("--seed", "2", "--top-k", "1").out).toBe(greedy);
  });

  it("ends where the document ends", () => {
    // With weights of zero all tokens are as likely, and the first, NUL, is taken: the separator.
    expect(bytesCodec().separator).toBe(0);
    const { out, err, status } = generate("--model", ended, "--prompt", "abc", "--temperature", "0");
    expect([out, err, status]).toEqual(["abc\n", "0 tokens\n", 0]);
  });

  it("takes text for bytes where a published model without a tokenizer has 256 tokens, until one of its ends", () => {
    const continued = () => generate("--model", published, "--prompt", "abc", "--top-k", "9", "--tokens", "12");
    const { out, err, status } = continued();
    expect(out).toMatch(/^abc[a-z]{12}\n$/);
    expect([err.startsWith("12 tokens"), status]).toEqual([true, 0]);
    const end = out[9];
    writeFileSync(join(published, "generation_config.json"), JSON.stringify({ eos_token_id: [0, end.charCodeAt(0)] }));
    expect(continued().out).toBe(`${out.slice(0, out.indexOf(end, 3))}\n`);
  });

  it.each([
    [
      "a published model of other tokens",
      ["--model", folderOf("llama-1")],
      /has no tokenizer\.json, and its 37 tokens/,
    ],
    ["one that was converted without a tokenizer", ["--model", converted], /has no tokenizer\.json, and its 43 tokens/],
    ["a folder that is not there", ["--model", join(root, "nowhere")], /There is no folder .*nowhere/],
    [
      "a model on a hub that is not there",
      ["--model", "owner/model"],
      /no folder owner\/model, and .* cannot be reached/,
    ],
    ["a folder without a model", ["--model", root], /is no model folder: it has no config\.json/],
    ["an empty prompt", ["--prompt", ""], /The prompt is empty/],
    ["a temperature below 0", ["--temperature", "-1"], /argument '-1' is invalid. It must be a number of 0 or more/],
    [
      "a temperature that is no number",
      ["--temperature", "hot"],
      /--temperature <t>' argument 'hot' is invalid. It must be a number of 0 or more/,
    ],
    ["a share above 1", ["--top-p", "2"], /topP is 2/],
    ["half a token", ["--top-k", "0.5"], /topK is 0\.5/],
    ["no tokens", ["--tokens", "0"], /--tokens.*whole number above 0/],
  ])("says in one sentence what is wrong with %s", (_, wrong, message) => {
    const { status, out, err } = text(...wrong);
    expect(status).not.toBe(0);
    expect(out).toBe("");
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(err).toMatch(message);
  });

  it("says which file of a model folder is broken", () => {
    const broken = join(root, "broken");
    mkdirSync(broken);
    writeFileSync(join(broken, "config.json"), "{");
    const { status, err } = text("--model", broken);
    expect(status).toBe(1);
    expect(err).toMatch(/^braid: .*broken\/config\.json is not JSON/);
  });
});
