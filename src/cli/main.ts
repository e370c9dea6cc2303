#!/usr/bin/env node
import { Command } from "commander";
import { register as registerCost } from "./commands/cost.js";
import { register as registerRun } from "./commands/run.js";

const program = new Command("braid").description("Hybrid Transformer/Mamba-2 language models on WebGPU");

registerCost(program);
registerRun(program);
program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`braid: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
