import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { build } from "esbuild";
import { afterAll, expect, test, vi } from "vitest";
import { register } from "../../src/cli/commands/tokens.js";
import { openDataset } from "../../src/data/open.js";

const folder = mkdtempSync(join(tmpdir(), "braid-open-"));
afterAll(() => rmSync(folder, { recursive: true }));
const text = join(folder, "prose.txt");
writeFileSync(text, Array.from({ length: 300 }, (_, i) => `The ${i}th line said nothing new.\n`).join(""));
const tokenizer = new URL("../../data/tokenizers/books-bpe-4096.json", import.meta.url).pathname;

test("data is opened by name: synthetic, a text, or a tokens file", async () => {
  const synthetic = await openDataset({ data: "synthetic", tokens: 1000 });
  expect(synthetic).toMatchObject({ name: "synthetic[:1000]", codec: { kind: "bytes" } });
  expect(synthetic.floor).toBeGreaterThan(0);
  const prose = await openDataset({ data: text, tokenizer, name: "corpus", cache: join(folder, "cache") });
  expect(prose).toMatchObject({ name: "corpus", codec: { kind: "bpe" } });
  expect(prose.floor).toBeUndefined();
});

test("braid tokens writes what --data reads, and says what it wrote", async () => {
  vi.stubEnv("BRAID_CACHE", join(folder, "cli-cache"));
  const stdout: string[] = [];
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => stdout.push(String(chunk)) > 0);
  const braid = async (...argv: string[]) => {
    const program = new Command().exitOverride();
    register(program);
    await program.parseAsync(["tokens", ...argv], { from: "user" });
  };
  const out = join(folder, "prose.tokens");
  try {
    await braid("--data", text, "--tokenizer", tokenizer, "--out", out, "--limit-tokens", "1e3", "--name", "corpus");
    await expect(braid("--data", text, "--out", join(folder, "x.bin"))).rejects.toThrow(
      "must end in .tokens or .tokens.gz",
    );
    await expect(braid("--data", text, "--out", out, "--limit-tokens", "some")).rejects.toThrow(
      "It must be a whole number above 0.",
    );
    await expect(braid("--data", "synthetic", "--out", out)).rejects.toThrow("--data synthetic needs no tokens file");
  } finally {
    spy.mockRestore();
    vi.unstubAllEnvs();
  }
  const fromText = await openDataset({ data: text, tokenizer, limitTokens: 1000, name: "corpus", cache: false });
  const fromTokens = await openDataset({ data: out, tokenizer });
  expect({ ...fromTokens, codec: fromTokens.codec.sha256 }).toEqual({ ...fromText, codec: fromText.codec.sha256 });
  expect(fromTokens.name).toBe("corpus[:1000]");
  expect(stdout.join("")).toMatch(
    /^.*prose\.tokens: corpus\[:1000\], text SHA-256 [0-9a-f]{64}\ntraining: 1,000 tokens, /,
  );
  expect(readdirSync(folder).filter((name) => name.includes("x.bin") || name.endsWith(".tmp"))).toEqual([]);
});

test("options that do not go together are named", async () => {
  await expect(openDataset({ data: "synthetic", validation: text })).rejects.toThrow(
    "validation goes with a text; the data is synthetic",
  );
  await expect(openDataset({ data: "a.tokens", name: "x" })).rejects.toThrow(
    "name goes with a text; the data is a.tokens",
  );
  await expect(openDataset({ data: join(folder, "gone.txt"), cache: false })).rejects.toThrow(
    /gone\.txt does not exist$/,
  );
});

test("everything but file access bundles for a browser", async () => {
  const entry = new URL("../../src/data/index.ts", import.meta.url).pathname;
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    logLevel: "silent",
    external: ["./node.js"], // what openDataset loads in Node only
  });
  expect(outputFiles[0].text).not.toMatch(/node:|Buffer\b/);
});
