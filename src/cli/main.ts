#!/usr/bin/env node
import { Command } from "commander";

const program = new Command("braid").description("Hybrid Transformer/Mamba-2 language models on WebGPU");

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`braid: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
