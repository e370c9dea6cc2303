import type { Command } from "commander";
import { type DecodeRate, decodeRates } from "../../bench/decode.js";
import { namedModels } from "../../bench/models.js";
import { whole, wholes } from "../numbers.js";
import { type CommonOptions, report, rounds, withModels } from "./common.js";
import { decodeTable } from "./tables.js";

interface Options extends CommonOptions {
  batch?: number[];
  prompt?: number[];
  tokens?: number;
}

export function registerDecode(bench: Command): void {
  const command = bench
    .command("decode")
    .description("Time reading prompts and continuing them token by token, in f32");
  withModels(command, "which models, as in bench train (default: inter,mamba,llama; inter in software)")
    .option("--batch <list>", "sequences side by side (default: 1,8,32; 1,2 in software)", wholes)
    .option("--prompt <list>", "tokens of a prompt (default: 512,2048; 16 in software)", wholes)
    .option("--tokens <n>", "tokens that follow a prompt (default: 256; 4 in software)", whole)
    .action((options: Options) => run(options));
}

async function run(options: Options): Promise<void> {
  const chosen = options.pattern && namedModels(options.size, options.pattern);
  await report(options, async (gpu) => {
    const { software } = gpu.info;
    const rates: DecodeRate[] = [];
    for (const model of chosen || namedModels(options.size, software ? "inter" : "inter,mamba,llama")) {
      rates.push(
        ...(await decodeRates(gpu, model, {
          batches: options.batch ?? (software ? [1, 2] : [1, 8, 32]),
          prompts: options.prompt ?? (software ? [16] : [512, 2048]),
          tokens: options.tokens ?? (software ? 4 : 256),
          repeats: rounds(gpu, options).repeats,
        })),
      );
    }
    return { values: { bench: "decode", size: options.size, rates }, text: decodeTable(rates) };
  });
}
