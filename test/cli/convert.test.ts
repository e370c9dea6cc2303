import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { register } from "../../src/cli/commands/convert.js";
import { downloadProgress, sizeText } from "../../src/cli/models.js";
import type { ModelConfig } from "../../src/config/types.js";
import { loadModel, saveModel } from "../../src/model/folder.node.js";
import { layoutOf } from "../../src/model/parameters.js";
import { folderOf } from "../families/fixtures.js";
import { startHub } from "../hub/server.js";
import { tinyConfig } from "../model/fixtures.js";
import { random } from "../ops/harness.js";

const root = mkdtempSync(join(tmpdir(), "braid-convert-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** A folder that is not there yet. */
let count = 0;
const fresh = () => join(root, `model ${count++}`);

/** Runs the command; what it printed, and the sentence that it failed with. */
async function convert(...args: string[]): Promise<{ out: string; err: string; failure: string }> {
  let [out, err] = ["", ""];
  const program = new Command("braid").exitOverride().configureOutput({ writeErr: () => {} });
  register(program);
  program.commands[0].copyInheritedSettings(program);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
  const failure = await program.parseAsync(["convert", ...args], { from: "user" }).then(
    () => "",
    (error: Error) => error.message,
  );
  vi.restoreAllMocks();
  return { out, err, failure };
}

const jsonOf = (folder: string, file = "config.json"): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, file), "utf8"));

/** A model that Llama and braid can both have. */
const config: ModelConfig = tinyConfig("TT");
const values = random([layoutOf(config).size], 4);
const own = join(root, "own");
const tokenizer = join(root, "a tokenizer.json");
beforeAll(() => {
  saveModel(own, config, values, "bytes");
  writeFileSync(tokenizer, "{}");
});

/** The weights that have a name; between them there may be gaps. */
function weightsOf({ config, values }: { config: ModelConfig; values: Float32Array }): Record<string, Float32Array> {
  const { table } = layoutOf(config);
  return Object.fromEntries(table.map(({ name, offset, size }) => [name, values.slice(offset, offset + size)]));
}

describe("braid convert", () => {
  it("writes braid's own model as another family's, and back: not a bit changes", async () => {
    const [llama, back] = [fresh(), fresh()];
    const { out, failure } = await convert(own, llama, "--as", "llama");
    // 256 · 24 embeddings, 24 of the last norm, and in each layer 48 of norms, 1536 of attention and 2880 of the network.
    expect(failure).toBe("");
    expect(out).toMatch(/^.*: llama, 15,096 parameters in f32\n {2}config\.json +\d+ bytes\n {2}model\.safetensors +/);
    // Documents are separated by NUL.
    const keys = { model_type: "llama", bos_token_id: 0, eos_token_id: 0, pad_token_id: null, dtype: "float32" };
    expect(jsonOf(llama)).toMatchObject({ ...keys, architectures: ["LlamaForCausalLM"] });
    await convert(llama, back, "--as", "braid");
    const found = loadModel(back);
    expect(found).toMatchObject({ type: "braid", config, tokenizer: "bytes" });
    expect(weightsOf(found)).toEqual(weightsOf({ config, values }));
  });

  it("keeps family, type of numbers and what the folder says of text", async () => {
    const [source, target] = [fresh(), fresh()];
    cpSync(folderOf("bamba-3"), source, { recursive: true });
    const texts = ["generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];
    for (const file of texts) writeFileSync(join(source, file), `{"of": "${file}"}`);
    writeFileSync(join(source, "README.md"), "# A model");
    expect((await convert(source, target)).out).toMatch(/bamba, [\d,]+ parameters in f16\n/);
    expect(readdirSync(target).sort()).toEqual([...texts, "config.json", "model.safetensors"].sort());
    for (const file of texts) expect(jsonOf(target, file)).toEqual({ of: file });
    const kept = { bos_token_id: 1, eos_token_id: 2, pad_token_id: null, max_position_embeddings: 512 };
    expect(jsonOf(target)).toMatchObject({ ...kept, model_type: "bamba", dtype: "float16" });
    const [before, after] = [loadModel(source), loadModel(target)];
    expect(after.config).toEqual(before.config);
    expect(weightsOf(after)).toEqual(weightsOf(before));
  });

  it("keeps the ids of special tokens in another family, where padding has another default", async () => {
    const [source, target] = [fresh(), fresh()];
    cpSync(folderOf("llama-1"), source, { recursive: true });
    const { pad_token_id: _, ...json } = jsonOf(source);
    writeFileSync(join(source, "config.json"), JSON.stringify({ ...json, eos_token_id: [7, 8] }));
    await convert(source, target, "--as", "mistral");
    const kept = { bos_token_id: 1, eos_token_id: [7, 8], pad_token_id: null };
    expect(jsonOf(target)).toMatchObject({ ...kept, model_type: "mistral", sliding_window: null });
    expect(weightsOf(loadModel(target))).toEqual(weightsOf(loadModel(source)));
  });

  it("writes other numbers and shards when told", async () => {
    const target = fresh();
    const { out } = await convert(folderOf("llama-1"), target, "--dtype", "bf16", "--max-shard", "8kB");
    expect(out).toContain(" in bf16\n");
    const shards = readdirSync(target).filter((file) => file.endsWith(".safetensors"));
    expect(shards.length).toBeGreaterThan(2);
    expect(shards[0]).toBe(`model-00001-of-0000${shards.length}.safetensors`);
    expect(out).toContain(`  model.safetensors.index.json `);
    const [before, after] = [loadModel(folderOf("llama-1")), loadModel(target)];
    // bfloat16 has eight bits of a number.
    const furthest = before.values.map((value, i) => Math.abs(value - after.values[i]) / (Math.abs(value) || 1));
    expect(Math.max(...furthest)).toBeLessThan(2 ** -8);
    expect(Math.max(...furthest)).toBeGreaterThan(2 ** -12);
  });

  it("fetches a model of the hub, and says how far the download is", async () => {
    const fixture = folderOf("llama-3");
    const files = Object.fromEntries(readdirSync(fixture).map((file) => [file, readFileSync(join(fixture, file))]));
    const hub = await startHub({ "owner/llama": { files } });
    vi.stubEnv("BRAID_CACHE", fresh());
    vi.stubEnv("HF_ENDPOINT", hub.url);
    vi.stubEnv("HF_TOKEN", undefined);
    const target = fresh();
    const { err, failure } = await convert("owner/llama", target);
    expect(failure).toBe("");
    expect(err).toMatch(/^config\.json: \d+ bytes$/m);
    expect(err).toMatch(/^model-00001-of-00003\.safetensors: [\d.]+ kB$/m);
    expect(weightsOf(loadModel(target))).toEqual(weightsOf(loadModel(fixture)));
    const missing = await convert("owner/llama@v2", fresh());
    expect(missing.failure).toMatch(/owner\/llama on http:\S+ has no revision v2\.$/);
    await hub.close();
    const away = await convert("owner/other", fresh());
    expect(away.failure).toMatch(/^There is no folder owner\/other, and http:\S+ cannot be reached for owner\/other: /);
  });

  describe("when something is there already", () => {
    it("replaces a model when told to, and leaves other files alone", async () => {
      const target = fresh();
      await convert(folderOf("llama-3"), target, "--max-shard", "8kB");
      writeFileSync(join(target, "tokenizer.json"), "{}");
      writeFileSync(join(target, "notes.txt"), "mine");
      const before = readFileSync(join(target, "config.json"), "utf8");
      expect((await convert(own, target)).failure).toBe(`${target} has a model already; --force replaces it.`);
      expect(readFileSync(join(target, "config.json"), "utf8")).toBe(before);
      expect((await convert(own, target, "--force")).failure).toBe("");
      expect(readdirSync(target).sort()).toEqual(["config.json", "model.safetensors", "notes.txt"]);
      expect(loadModel(target)).toMatchObject({ type: "braid", config, tokenizer: "bytes" });
    });

    it("can write a model over itself", async () => {
      const target = fresh();
      saveModel(target, config, values, tokenizer);
      expect((await convert(target, target, "--force", "--dtype", "f16")).failure).toBe("");
      expect(readdirSync(target).sort()).toEqual(["config.json", "model.safetensors", "tokenizer.json"]);
      expect(loadModel(target)).toMatchObject({ config, tokenizer: join(target, "tokenizer.json") });
    });

    it("fills an empty folder, but no other folder unless told to, and never a file", async () => {
      const target = fresh();
      mkdirSync(target);
      expect((await convert(own, target)).failure).toBe("");
      const notes = fresh();
      mkdirSync(notes);
      writeFileSync(join(notes, "notes.txt"), "mine");
      const refused = `${notes} is a folder that is not empty; --force writes into it.`;
      expect((await convert(own, notes)).failure).toBe(refused);
      expect((await convert(own, notes, "--force")).failure).toBe("");
      expect(readdirSync(notes)).toContain("notes.txt");
      const file = join(notes, "notes.txt");
      expect((await convert(own, file, "--force")).failure).toBe(`${file} is a file; a model is written as a folder.`);
    });
  });

  it.each([
    ["a config that the family cannot express", "mamba2-1", ["--as", "llama"], /^pattern: layer 1 is M .*llama/],
    ["an unknown family", "llama-1", ["--as", "gpt2"], /'gpt2' is invalid\. Allowed choices are braid, llama, .*bamba/],
    ["an unknown type", "llama-1", ["--dtype", "int8"], /'int8' is invalid\. Allowed choices are f32, f16, bf16/],
    ["a size that is none", "llama-1", ["--max-shard", "big"], /'big' is invalid\. It must be a size such as 5GB/],
    ["a folder that is no model", "", [], /is no model folder: it has no config\.json/],
    ["a folder that is not there", "no/where/at/all", [], /There is no folder .*no\/where\/at\/all/],
  ])("says in one sentence what is wrong with %s, and writes nothing", async (_, fixture, options, message) => {
    const before = readdirSync(root).sort();
    const { out, failure } = await convert(folderOf(fixture), join(root, "nothing"), ...options);
    expect(out).toBe("");
    expect(failure).toMatch(message);
    expect(failure.trim().split("\n")).toHaveLength(1);
    expect(readdirSync(root).sort()).toEqual(before);
  });

  it("leaves nothing behind when a weight is too large for the type", async () => {
    const [large, target] = [fresh(), fresh()];
    saveModel(large, config, Float32Array.from(values).fill(1e6, 0, 1), "bytes");
    const before = readdirSync(root).sort();
    expect((await convert(large, target, "--dtype", "f16")).failure).toMatch(/embed_tokens/);
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(root).sort()).toEqual(before);
  });
});

describe("progress of a download", () => {
  it("is a line every ten seconds and one a file in a log, and one line that is written over in a terminal", () => {
    vi.useFakeTimers();
    const lines: string[] = [];
    const [log, terminal] = [false, true].map((isTTY) => {
      const show = downloadProgress({ isTTY, write: (text) => lines.push(text) });
      for (let bytes = 0; bytes <= 5e9; bytes += 0.5e9) {
        show({ file: "model.safetensors", bytes, size: 5e9 });
        vi.advanceTimersByTime(4_000);
      }
      return lines.splice(0);
    });
    vi.useRealTimers();
    expect(log[0]).toBe("model.safetensors: 0 bytes of 5.00 GB\n");
    expect(log[1]).toBe("model.safetensors: 1.50 GB of 5.00 GB\n");
    expect(log.at(-1)).toBe("model.safetensors: 5.00 GB\n");
    expect(log).toHaveLength(5);
    expect(terminal).toHaveLength(11);
    expect(terminal.join("").split("\n")).toHaveLength(2);
  });

  it("gives sizes to three digits", () => {
    expect([0, 999, 1000, 12_345, 999_000, 4.98e9, 7e13].map(sizeText)).toEqual([
      ...["0 bytes", "999 bytes", "1.00 kB", "12.3 kB", "999 kB", "4.98 GB", "70000 GB"],
    ]);
  });
});
