#!/usr/bin/env node
import { Command } from "commander";
import { register as registerBench } from "./commands/bench.js";
import { register as registerConvert } from "./commands/convert.js";
import { register as registerCost } from "./commands/cost.js";
import { register as registerDoctor } from "./commands/doctor.js";
import { register as registerFindings } from "./commands/findings.js";
import { register as registerFusion } from "./commands/fusion.js";
import { register as registerGenerate } from "./commands/generate.js";
import { register as registerKernel } from "./commands/kernel.js";
import { register as registerLab } from "./commands/lab.js";
import { register as registerMaps } from "./commands/maps.js";
import { register as registerPresets } from "./commands/presets.js";
import { register as registerReport } from "./commands/report.js";
import { register as registerRun } from "./commands/run.js";
import { register as registerRuns } from "./commands/runs.js";
import { register as registerSweep } from "./commands/sweep.js";
import { register as registerTokens } from "./commands/tokens.js";
import { register as registerTrain } from "./commands/train.js";
import { messageOf } from "./message.js";

const program = new Command("braid").description("Hybrid Transformer/Mamba-2 language models on WebGPU");

registerBench(program);
registerConvert(program);
registerCost(program);
registerDoctor(program);
registerFusion(program);
registerGenerate(program);
registerKernel(program);
registerLab(program);
registerMaps(program);
registerPresets(program);
registerReport(program);
registerRun(program);
registerTokens(program);
registerFindings(program);
registerRuns(program);
registerSweep(program);
registerTrain(program);
// `braid … | head` closes the pipe early, which is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`braid: ${messageOf(error)}\n`);
  process.exit(1);
});
