import { expect, it } from "vitest";
import { kernelRates } from "../../src/bench/roofline.js";
import { ratiosOf } from "../../src/bench/steps.js";
import { stepRate } from "../../src/bench/train.js";
import {
  decodeTable,
  headerText,
  kernelTable,
  lengthTable,
  productTable,
  ratioTable,
  stepTable,
} from "../../src/cli/bench/tables.js";
import { preset } from "../../src/config/presets.js";

const config = preset("nano", { pattern: "TTTT" });
const rate = (engine: string, seconds: number, length: number, peakBytes: number | null, dispatches: number | null) =>
  stepRate(
    { name: "llama", config, batch: { sequences: 4096 / length, length } },
    engine,
    { median: seconds, least: seconds * 0.9, most: seconds * 1.2 },
    { peakBytes, dispatches, losses: [5.55, 5.1, 4.9] },
  );
const text = (lines: string[]) => lines.join("\n");

it("steps and their ratios to PyTorch", () => {
  const rates = [
    rate("braid mixed", 0.002, 512, 3 * 2 ** 30, 321),
    rate("pytorch fp32", 0.006, 512, 4 * 2 ** 30, null),
    rate("pytorch bf16", 0.0016, 512, null, null),
  ];
  expect(stepTable(rates)).toBe(
    text([
      "model  engine        parameters  tokens a step  ms a step  fastest, slowest  ktok/s  TFLOP/s (6N)  TFLOP/s (cost)  peak GiB  dispatches  warm-up loss",
      "-----  ------------  ----------  -------------  ---------  ----------------  ------  ------------  --------------  --------  ----------  --------------",
      "llama  braid mixed   1.02M       8 × 512                2  1.8, 2.4            2048          12.5            15.3         3         321  5.550 to 4.900",
      "llama  pytorch fp32  1.02M       8 × 512                6  5.4, 7.2             683          4.17             5.1         4              5.550 to 4.900",
      "llama  pytorch bf16  1.02M       8 × 512              1.6  1.44, 1.92          2560          15.6            19.1                        5.550 to 4.900",
    ]),
  );
  expect(ratioTable(ratiosOf(rates))).toBe(
    text([
      "model  ratio                       speed  memory",
      "-----  --------------------------  -----  ------  -----------------",
      "llama  braid mixed / pytorch fp32      3    0.75",
      "llama  braid mixed / pytorch bf16    0.8          PyTorch's fastest",
    ]),
  );
});

it("the cost of a token against the length", () => {
  const rates = [512, 1024, 2048].map((length, i) => rate("braid f32", 0.004096 * (1 + i / 4), length, 1, 1));
  expect(lengthTable(rates)).toBe(
    text([
      "model  engine     µs a token, 512  µs a token, 1024  µs a token, 2048  last / first  dearest / cheapest",
      "-----  ---------  ---------------  ----------------  ----------------  ------------  ------------------",
      "llama  braid f32                1              1.25               1.5           1.5                 1.5",
    ]),
  );
});

it("kernels with their share of the roofline", () => {
  const roof = { gflops: 40_000, gigabytes: 2000 };
  const rows = [
    { label: "ffn in", dispatches: 13, milliseconds: 3, flops: 60e9, bytes: 1e9 },
    { label: "rms norm", dispatches: 27, milliseconds: 1, flops: 0, bytes: 1.5e9 },
  ];
  expect(kernelTable(kernelRates(rows, roof), roof)).toBe(
    text([
      "kernel    dispatches  ms  share %  GFLOP    MB  GFLOP/s  GB/s  roofline %",
      "--------  ----------  --  -------  -----  ----  -------  ----  ----------",
      "ffn in            13   3       75     60  1000    20000   333          50",
      "rms norm          27   1       25         1500           1500          75",
      "sum               40   4      100     60  2500    15000   625        56.3",
      "roofline: the share of min(40 TFLOP/s, FLOPs a byte × 2000 GB/s), the best product and a copy on this adapter; over 100 % what came from caches, or ran while the machine was less busy",
    ]),
  );
});

it("products, decoding, and where it was", () => {
  const product = { size: 512, gflops: 12_345, milliseconds: 0.02174, error: 2e-7 };
  expect(
    productTable([
      { ...product, engine: "braid f32", ratio: null },
      { ...product, engine: "pytorch fp32", ratio: 0.71 },
    ]),
  ).toBe(
    text([
      "product  engine            ms  TFLOP/s  error  braid / PyTorch",
      "-------  ------------  ------  -------  -----  ---------------",
      "512³     braid f32     0.0217     12.3  2e-7",
      "512³     pytorch fp32  0.0217     12.3  2e-7              0.71",
    ]),
  );
  const decode = {
    model: "inter",
    pattern: "MT",
    batch: 8,
    prompt: 512,
    prefillTokensPerSecond: 54_321,
    decodeTokensPerSecond: 1234.5,
    millisecondsPerToken: 6.4803,
    cacheBytes: 3 * 2 ** 19,
  };
  expect(decodeTable([decode])).toBe(
    text([
      "model  sequences  prompt  prefill tok/s  decode tok/s  ms a token  cache MiB",
      "-----  ---------  ------  -------------  ------------  ----------  ---------",
      "inter          8     512          54321          1235        6.48        1.5",
    ]),
  );
  const made = {
    commit: "abc",
    adapter: "nvidia H100 (dawn)",
    driver: "NVIDIA 580",
    software: false,
    features: [],
    toggles: ["allow_unsafe_apis"],
    kernels: ["matmul/tensor"],
    dawn: "0.6.2",
    node: "v22",
    platform: "linux x64",
    date: "",
    wallSeconds: 1,
  };
  expect(headerText(made)).toBe(
    text([
      "adapter  nvidia H100 (dawn), driver NVIDIA 580",
      "Dawn     webgpu 0.6.2, toggles allow_unsafe_apis",
      "braid    abc",
      "kernels  matmul/tensor",
    ]),
  );
});
