import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { type NamedModel, namedModels } from "../../bench/models.js";
import { pytorchModel } from "../../bench/pytorch-model.js";
import { lengthRates, type Rival, ratiosOf, stepRates } from "../../bench/steps.js";
import type { StepRate } from "../../bench/train.js";
import { type Recompute, recomputeLevels } from "../../memory/recompute.js";
import type { TrainSpec } from "../../train/types.js";
import { among, whole, wholes } from "../numbers.js";
import {
  type CommonOptions,
  noteMatrices,
  type PytorchFlags,
  report,
  rounds,
  seconds,
  withModels,
  withPytorch,
} from "./common.js";
import { lengthTable, ratioTable, stepTable } from "./tables.js";

interface Options extends CommonOptions, PytorchFlags {
  batch?: number;
  length?: number;
  lengths?: number[];
  precision: TrainSpec["precision"][];
  recompute: Recompute[];
  modes: string[];
}

const modes = ["fp32", "tf32", "bf16", "fp32-compile", "tf32-compile", "bf16-compile"] as const;
const models =
  "what to train: inter, mamba, llama, swa, intra or patterns of letters, separated by commas (default: inter,mamba,llama; inter in software)";

export function registerTrain(bench: Command): void {
  const command = bench
    .command("train")
    .description("Time whole training steps, on their own or taking turns with PyTorch");
  withPytorch(withModels(command, models))
    .option("--batch <n>", "sequences a step (default: 64; 1 in software)", whole)
    .option("--length <n>", "tokens a sequence (default: 1024; 32 in software)", whole)
    .option("--lengths <list>", "time these lengths instead, at the same tokens a step (--batch × --length)", wholes)
    .option("--precision <list>", "f32, mixed, or both: f32,mixed", among(["f32", "mixed"]), ["f32"])
    .option(
      "--recompute <list>",
      `compute again in the backward pass, as braid train --recompute does: some of ${recomputeLevels.join(", ")}`,
      among(recomputeLevels),
      ["none"],
    )
    .option("--modes <list>", `PyTorch's: some of ${modes.join(", ")}`, among(modes), ["fp32", "bf16", "bf16-compile"])
    .option(...seconds)
    .action((options: Options) => run(options));
}

/** @throws Error when a model has Mamba layers, but the folder not the kernels for them */
function requireMamba(folder: string, models: readonly NamedModel[]): void {
  const needed = models.some(({ config }) => config.pattern.includes("M"));
  if (!needed || existsSync(join(folder, "mamba_ssm", "ops", "triton", "ssd_combined.py"))) return;
  throw new Error(
    `--pytorch: ${folder} has no mamba_ssm/ops/triton/ssd_combined.py; name the folder that has the source of mamba-ssm, mamba_ssm, in it.`,
  );
}

async function run(options: Options): Promise<void> {
  const { precision: precisions, lengths } = options;
  const chosen = options.pattern && namedModels(options.size, options.pattern);
  await report(options, async (gpu, pytorch) => {
    const { software } = gpu.info;
    const named = chosen || namedModels(options.size, software ? "inter" : "inter,mamba,llama");
    const length = options.length ?? (software ? 32 : 1024);
    const batch = { sequences: options.batch ?? (software ? 1 : 64), length };
    if (pytorch) {
      for (const model of named) pytorchModel(model, batch);
      requireMamba(options.pytorch!, named);
    }
    noteMatrices(gpu, precisions);
    const failed: { name: string; reason: string }[] = [];
    const onFailure: Rival["onFailure"] = (name, reason) => {
      failed.push({ name, reason });
      process.stderr.write(`${name}: left out, ${reason}\n`);
    };
    const rival = pytorch && { pytorch, modes: options.modes, onFailure };
    const how = { precisions, recompute: options.recompute, rival, ...rounds(gpu, options) };
    const rates: StepRate[] = [];
    for (const model of named) {
      const more = lengths
        ? await lengthRates(gpu, model, { ...how, lengths, tokens: batch.sequences * length })
        : await stepRates(gpu, model, batch, how);
      rates.push(...more);
    }
    const ratios = ratiosOf(rates);
    return {
      values: { bench: "train", size: options.size, rates, ...(pytorch && { ratios, failed }) },
      text: [
        stepTable(rates),
        ...(lengths ? [lengthTable(rates)] : []),
        ...(ratios.length ? [ratioTable(ratios)] : []),
      ].join("\n\n"),
    };
  });
}
