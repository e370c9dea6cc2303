import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeAll(() => {
  const config = tinyConfig("MT");
  const { table, size } = layoutOf(config);
  const rng = new Rng(3, "generate test");
  const values = Float32Array.from({ length: size }, () => 0.2 * (rng.uniform() - 0.5));
  // The last norm over a zero-mean row makes logits small; larger embeddings spread them.
  for (const { name, offset, size: length } of table) {
    if (/norm\.weight$|layernorm\.weight$/.test(name)) values.fill(1, offset, offset + length);
  }
  const embedding = table[0];
  for (let i = 0; i < embedding.size; i++) values[embedding.offset + i] *= 5;
  // The model is to write printable ASCII only, so that the text can be counted: the other bytes look like nothing.
  for (let byte = 0; byte < 256; byte++) {
    if (byte >= 97 && byte <= 122) continue;
    values.fill(0, embedding.offset + byte * config.dModel, embedding.offset + (byte + 1) * config.dModel);
  }
  saveModel(model, config, values, "bytes");
  saveModel(published, tinyConfig("TT"), new Float32Array(layoutOf(tinyConfig("TT")).size), "bytes", { as: "llama" });
  saveModel(ended, config, new Float32Array(size), "bytes");
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

  it("takes text for bytes where a published model without a tokenizer has 256 tokens", () => {
    const { out, err, status } = generate("--model", published, "--prompt", "é", "--temperature", "0");
    expect([out, err, status]).toEqual(["é\n", "0 tokens\n", 0]);
  });

  it.each([
    [
      "a published model of other tokens",
      ["--model", folderOf("llama-1")],
      /has no tokenizer\.json, and its 37 tokens/,
    ],
    ["a folder that is not there", ["--model", join(root, "nowhere")], /There is no folder .*nowhere/],
    [
      "a model on a hub that is not there",
      ["--model", "owner/model"],
      /no folder owner\/model, and .* cannot be reached/,
    ],
    ["a folder without a model", ["--model", root], /is no model folder: it has no config\.json/],
    ["an empty prompt", ["--prompt", ""], /The prompt is empty/],
    ["a temperature below 0", ["--temperature", "-1"], /temperature is -1/],
    ["a temperature that is no number", ["--temperature", "hot"], /temperature is NaN/],
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
