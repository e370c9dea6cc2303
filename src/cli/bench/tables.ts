/** What `braid bench` prints, from what was measured. */

import type { DecodeRate } from "../../bench/decode.js";
import type { MatmulRate } from "../../bench/matmul.js";
import type { ProductRate } from "../../bench/products.js";
import type { Ceilings, KernelRate, Roof } from "../../bench/roofline.js";
import type { Ratio } from "../../bench/steps.js";
import type { StepRate } from "../../bench/train.js";
import type { Provenance } from "../../runs/types.js";
import { textTable } from "../text-table.js";

/** Where the numbers below come from. */
export function headerText({ adapter, driver, dawn, toggles, kernels, commit }: Provenance): string {
  return [
    `adapter  ${adapter}${driver ? `, driver ${driver}` : ""}`,
    `Dawn     webgpu ${dawn}, toggles ${toggles.join(", ") || "none"}`,
    `braid    ${commit}`,
    `kernels  ${kernels.join(", ")}`,
  ].join("\n");
}

export function stepTable(rates: readonly StepRate[]): string {
  return textTable(
    rates.map(({ milliseconds: { median, least, most }, ...rate }) => ({
      model: rate.model,
      engine: rate.engine,
      parameters: million(rate.parameters),
      "tokens a step": `${rate.sequences} × ${rate.length}`,
      "ms a step": round(median),
      "fastest, slowest": `${digits(least)}, ${digits(most)}`,
      "ktok/s": round(rate.tokensPerSecond / 1e3),
      "TFLOP/s (6N)": round(rate.teraflops),
      "TFLOP/s (cost)": round(rate.costTeraflops),
      "peak GiB": rate.peakBytes === null ? null : round(rate.peakBytes / 2 ** 30),
      dispatches: rate.dispatches,
      "warm-up loss": `${rate.losses[0].toFixed(3)} to ${rate.losses.at(-1)!.toFixed(3)}`,
    })),
  );
}

export function ratioTable(ratios: readonly Ratio[]): string {
  return textTable(
    ratios.map(({ model, engine, against, best, speed, memory }) => ({
      model,
      ratio: `${engine} / ${against}`,
      speed: round(speed),
      memory: memory === null ? null : round(memory),
      "": best ? "PyTorch's fastest" : "",
    })),
  );
}

/** Microseconds a token for each length, a row a model; and how far apart the dearest and the cheapest length are. */
export function lengthTable(rates: readonly StepRate[]): string {
  const rows = new Map<string, StepRate[]>();
  for (const rate of rates) {
    const key = `${rate.model}\n${rate.engine}`;
    rows.set(key, [...(rows.get(key) ?? []), rate]);
  }
  return textTable(
    [...rows.values()].map((row) => {
      const cost = row.map(({ tokensPerSecond }) => 1e6 / tokensPerSecond);
      return {
        model: row[0].model,
        engine: row[0].engine,
        ...Object.fromEntries(row.map(({ length }, i) => [`µs a token, ${length}`, round(cost[i])])),
        "last / first": round(cost.at(-1)! / cost[0]),
        "dearest / cheapest": round(Math.max(...cost) / Math.min(...cost)),
      };
    }),
  );
}

export function ceilingText({ copy, f32, mixed }: Ceilings): string {
  const products = (rates: readonly MatmulRate[]) =>
    rates.map(({ size, gflops }) => `${size}³ ${speed(gflops)}`).join(", ");
  return [
    `copy        ${round(copy.gigabytes)} GB/s read and written (2 × ${copy.bytes / 2 ** 20} MiB)`,
    `f32 matmul  ${products(f32)}`,
    `f16 matmul  ${mixed.length ? products(mixed) : "none: this adapter has no matrices of f16"}`,
  ].join("\n");
}

export function productTable(rates: readonly ProductRate[]): string {
  return textTable(
    rates.map(({ size, engine, gflops, milliseconds, error, ratio }) => ({
      product: `${size}³`,
      engine,
      ms: round(milliseconds),
      "TFLOP/s": round(gflops / 1000),
      error: error.toExponential(0),
      "braid / PyTorch": ratio === null ? null : round(ratio),
    })),
  );
}

/** One table for `braid bench ops` and `braid train --profile`. */
export function kernelTable(rates: readonly KernelRate[], roof: Roof): string {
  const sum = (value: (rate: KernelRate) => number) => rates.reduce((total, rate) => total + value(rate), 0);
  const row = (kernel: string, { dispatches, milliseconds, flops, bytes, ...rate }: Omit<KernelRate, "label">) => ({
    kernel,
    dispatches,
    ms: round(milliseconds),
    "share %": percent(rate.share),
    GFLOP: flops ? round(flops / 1e9) : null,
    MB: round(bytes / 1e6),
    "GFLOP/s": flops ? round(rate.gflopsPerSecond) : null,
    "GB/s": round(rate.gigabytesPerSecond),
    "roofline %": percent(rate.roofline),
  });
  const [milliseconds, flops, bytes] = [sum((r) => r.milliseconds), sum((r) => r.flops), sum((r) => r.bytes)];
  const all = {
    dispatches: sum((r) => r.dispatches),
    ...{ milliseconds, flops, bytes },
    share: 1,
    gflopsPerSecond: flops / milliseconds / 1e6,
    gigabytesPerSecond: bytes / milliseconds / 1e6,
    roofline: sum((r) => r.roofline * r.milliseconds) / milliseconds,
  };
  return `${textTable([...rates.map(({ label, ...rate }) => row(label, rate)), row("sum", all)])}
roofline: the share of min(${speed(roof.gflops)}, FLOPs a byte × ${round(roof.gigabytes)} GB/s), the best product and a copy on this adapter; over 100 % what came from caches, or ran while the machine was less busy`;
}

export function memoryText({ activations, parameters }: { activations: number; parameters: number }): string {
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(2);
  return `memory: ${gib(activations)} GiB activations and scratch, ${gib(parameters)} GiB weights, gradients and moments`;
}

export function decodeTable(rates: readonly DecodeRate[]): string {
  return textTable(
    rates.map((rate) => ({
      model: rate.model,
      sequences: rate.batch,
      prompt: rate.prompt,
      "prefill tok/s": round(rate.prefillTokensPerSecond),
      "decode tok/s": round(rate.decodeTokensPerSecond),
      "ms a token": round(rate.millisecondsPerToken),
      "cache MiB": round(rate.cacheBytes / 2 ** 20),
    })),
  );
}

/** Three digits, or all those before the point. */
function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
const digits = (value: number): string => String(round(value));
const percent = (share: number): number => Number((100 * share).toFixed(1));
const million = (count: number): string => `${(count / 1e6).toFixed(2)}M`;
const speed = (gflops: number): string =>
  gflops >= 1000 ? `${digits(gflops / 1000)} TFLOP/s` : `${digits(gflops)} GFLOP/s`;
