import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { cli, node, useFolder, withoutVulkan } from "../gpu/child.js";

const env = withoutVulkan(useFolder());
const fake = resolve(import.meta.dirname, "fake-pytorch.mjs");
const bench = (...args: string[]) => node([cli, "bench", ...args], { env });
const short = ["--pattern", "T", "--repeats", "1"];
const runs = process.platform === "linux" && process.arch === "x64";

describe.skipIf(!runs)("braid bench", () => {
  it("train prints rates, lengths, and what was used, as JSON", async () => {
    const args = [
      ...short,
      "--seconds",
      "0.01",
      "--batch",
      "2",
      "--length",
      "8",
      "--lengths",
      "4,8",
      "--precision",
      "f32,mixed",
      "--json",
    ];
    const { code, stdout, stderr } = await bench("train", ...args);
    expect(code, stderr).toBe(0);
    expect(stderr).toBe("This adapter has no f16: mixed precision is f32 here.\n");
    const { bench: what, size, rates, provenance } = JSON.parse(stdout);
    expect([what, size]).toEqual(["train", "nano"]);
    expect(rates.map((rate: Record<string, unknown>) => [rate.engine, rate.sequences, rate.length])).toEqual([
      ["braid f32", 4, 4],
      ["braid mixed", 4, 4],
      ["braid f32", 2, 8],
      ["braid mixed", 2, 8],
    ]);
    for (const { milliseconds, tokensPerSecond, teraflops, parameters, peakBytes } of rates) {
      expect(tokensPerSecond).toBeCloseTo(16_000 / milliseconds.median, 6);
      expect(teraflops).toBeCloseTo((6 * parameters * tokensPerSecond) / 1e12, 12);
      expect(peakBytes).toBeGreaterThan(16 * parameters);
    }
    expect(provenance).toMatchObject({
      software: true,
      kernels: expect.arrayContaining([expect.stringMatching(/^matmul\/(direct|quads)$/)]),
    });
  });

  it("train takes turns with PyTorch", async () => {
    const args = [...short, "--seconds", "0.01", "--length", "8", "--pytorch", "folder", "--python", fake];
    const { code, stdout, stderr } = await bench("train", ...args);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^adapter .*swiftshader/m);
    expect(stdout).toMatch(/^beside +PyTorch 0\.0 on a fake$/m);
    expect(stdout).toMatch(/^T +braid f32 \/ pytorch bf16 +[\d.]+ +[\d.]+ +PyTorch's fastest$/m);
  });

  it("ops prints ceilings and the roofline of each kernel", { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await bench("ops", ...short, "--seconds", "0.01", "--length", "8");
    expect(code, stderr).toBe(0);
    for (const line of [
      /^copy +[\d.]+ GB\/s read and written \(2 × 64 MiB\)$/m,
      /^f32 matmul +256³ [\d.]+ GFLOP\/s/m,
      /^f16 matmul +none: this adapter has no matrices of f16$/m,
      /^one training step of T \(T\), nano, f32, 1 × 8 tokens$/m,
      /^kernel +dispatches +ms +share % +GFLOP +MB +GFLOP\/s +GB\/s +roofline %$/m,
      /^ffn in +1 [\d. ]+$/m,
      /^sum +\d+ +[\d.]+ +100 /m,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  it("decode prints rates for each batch and prompt, as JSON", async () => {
    const { code, stdout, stderr } = await bench(
      "decode",
      ...short,
      "--batch",
      "1,2",
      "--prompt",
      "4",
      "--tokens",
      "2",
      "--json",
    );
    expect(code, stderr).toBe(0);
    const { rates } = JSON.parse(stdout);
    expect(rates).toMatchObject([
      { model: "T", batch: 1, prompt: 4 },
      { model: "T", batch: 2, prompt: 4 },
    ]);
  });

  it.each([
    [["train", "--size", "giant", "--pattern", "T"], 'size: "giant" is not known'],
    [
      ["train", "--pattern", "inter,lama"],
      '--pattern: "lama" is neither one of llama, swa, mamba, inter, intra nor a pattern',
    ],
    [
      ["train", "--pattern", "T", "--lengths", "32,48"],
      "--lengths: a step of 32 tokens is no whole number of sequences of 48.",
    ],
    [["train", "--precision", "f32,f8"], "It must be some of f32, mixed, separated by commas."],
    [["decode", "--batch", "1,two"], "It must be a whole number above 0."],
    [
      ["train", "--pattern", "T", "--pytorch", "x", "--python", "/nowhere/python"],
      "PyTorch's side could not be started",
    ],
    [["train", "--pattern", "H", "--pytorch", "x", "--python", fake], "but H is H."],
    [
      ["train", "--pattern", "M", "--pytorch", "x", "--python", fake],
      join("x has no mamba_ssm", "ops", "triton", "ssd_combined.py"),
    ],
  ])("says in one line what is wrong with %s", async (args, message) => {
    const { code, stdout, stderr } = await bench(...args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toContain(message);
  });
});
