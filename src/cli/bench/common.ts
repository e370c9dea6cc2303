/** What the three benchmarks have in common. */

import { type Command, Option } from "commander";
import type { MatmulPrecision } from "../../bench/matmul.js";
import { Pytorch } from "../../bench/pytorch.node.js";
import { SIZES } from "../../config/presets.js";
import { Gpu } from "../../gpu/gpu.js";
import { recomputeLevels } from "../../memory/recompute.js";
import { provenance } from "../../runs/provenance.js";
import { positive, whole } from "../numbers.js";
import { headerText } from "./tables.js";

export interface CommonOptions {
  size: string;
  pattern?: string;
  repeats?: number;
  seconds?: number;
  json?: boolean;
}

export interface PytorchFlags {
  pytorch?: string;
  python: string;
  pytorchDevice: "cuda" | "cpu";
}

/** A subcommand with the options that all have. */
export const withModels = (command: Command, models: string, pattern?: string): Command =>
  command
    .option("--size <name>", `model size: ${SIZES.join(", ")}`, "nano")
    .option("--pattern <list>", models, pattern)
    .option("--repeats <n>", "samples, whose median counts (default: 5; 3 in software)", whole)
    .option("--json", "print JSON");

export const withRecompute = (command: Command): Command =>
  command.addOption(
    new Option("--recompute <level>", "compute again in the backward pass, as braid train --recompute does")
      .choices(recomputeLevels)
      .default("none"),
  );

export const withPytorch = (command: Command): Command =>
  command
    .option("--pytorch <folder>", "take turns with PyTorch; the folder has the source of mamba-ssm, mamba_ssm, in it")
    .option("--python <program>", "the Python that has PyTorch", "python3")
    .addOption(
      new Option("--pytorch-device <kind>", "where PyTorch computes").choices(["cuda", "cpu"]).default("cuda"),
    );

export const seconds = [
  "--seconds <s>",
  "seconds a sample, at the least (default: 1; 0.2 in software)",
  positive,
] as const;

/** How often and how long, unless told. */
export const rounds = ({ info }: Gpu, { repeats, seconds }: Pick<CommonOptions, "repeats" | "seconds">) => ({
  repeats: repeats ?? (info.software ? 3 : 5),
  seconds: seconds ?? (info.software ? 0.2 : 1),
});

/** Says so where mixed precision is not what it is on a GPU. */
export function noteMatrices(gpu: Gpu, precisions: readonly MatmulPrecision[]): void {
  if (!precisions.includes("mixed") || gpu.info.matrices) return;
  const here = gpu.has("shader-f16")
    ? "has no matrices of f16: mixed precision multiplies in"
    : "has no f16: mixed precision is";
  process.stderr.write(`This adapter ${here} f32 here.\n`);
}

/** A report: plain data for --json, and a text of it. */
export interface Report {
  values: Record<string, unknown>;
  text: string;
}

/**
 * Opens a device and, where asked for, PyTorch; measures; and prints the report with where it was made. Nothing is printed of a
 * measurement that fails.
 */
export async function report(
  options: Pick<CommonOptions, "json"> & Partial<PytorchFlags>,
  measure: (gpu: Gpu, pytorch: Pytorch | undefined) => Promise<Report>,
): Promise<void> {
  const { pytorch: mamba, python = "python3", pytorchDevice: device = "cuda" } = options;
  const started = performance.now();
  let gpu: Gpu | undefined;
  const pytorch = mamba === undefined ? undefined : await Pytorch.start({ mamba, python, device });
  try {
    gpu = await Gpu.open();
    const { values, text } = await measure(gpu, pytorch);
    const made = provenance(gpu.info, (performance.now() - started) / 1000);
    const beside = pytorch && { pytorch: pytorch.description };
    process.stdout.write(
      options.json
        ? `${JSON.stringify({ ...values, ...beside, provenance: made })}\n`
        : `${headerText(made)}\n${pytorch ? `beside   ${pytorch.description}\n` : ""}\n${text}\n`,
    );
  } finally {
    gpu?.close();
    pytorch?.close();
  }
}
