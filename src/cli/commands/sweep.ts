import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { OpenOptions } from "../../data/node.js";
import { type Finding, type GridOptions, smokeData } from "../../findings/finding.js";
import type { PlannedRun } from "../../runs/types.js";
import { positive, whole } from "../numbers.js";

interface SweepFlags {
  finding?: string;
  specs?: string;
  scale: GridOptions["scale"];
  data?: string;
  validation?: string;
  tokenizer?: string;
  name?: string;
  limitTokens?: number;
  seeds?: string;
  labels?: string;
  tokens?: number;
  learningRates?: string | true;
  ratesFrom?: string;
  jobs: number;
  timeLimit?: number;
  out: string;
  store?: string;
  list?: boolean;
}

export function register(program: Command): void {
  program
    .command("sweep")
    .description("Train the runs of a finding that are not there yet, several side by side")
    .option("--finding <name>", "the finding whose grid is trained, e.g. block-ratio")
    .option("--specs <file>", "instead: a JSON array of {finding, label, spec}")
    .addOption(new Option("--scale <scale>", "size of the grid").choices(["nano", "smoke"]).default("nano"))
    .option("--data <what>", '"synthetic", a text (.txt, .txt.gz, .txt.xz) or a .tokens file')
    .option("--validation <file>", "validation text")
    .option("--tokenizer <file>", '"bytes" or a tokenizer.json (default: bytes)')
    .option("--name <name>", "name of the data set, if not the file's")
    .option("--limit-tokens <n>", "keep only the text's first training tokens", whole)
    .option("--seeds <list>", "training seeds, e.g. 0,1,2")
    .option("--labels <list>", "only these variants, e.g. 1:0,1:5")
    .option("--tokens <n>", "training tokens a run, e.g. 4e6", whole)
    .option("--learning-rates [list]", "the learning-rate check, at these rates or the finding's own")
    .option("--rates-from <file>", "a JSONL with a learning-rate check: train each variant at its best rate there")
    .option("--jobs <n>", "worker processes side by side; each opens the GPU by itself", whole, 1)
    .option("--time-limit <s>", "start no run that would end later than this many seconds after the start", positive)
    .option("--store <dir>", "also skip runs that this store holds")
    .option("--out <file>", "JSONL that each finished run is appended to", "runs.jsonl")
    .option("--list", "print the runs that would be trained, and stop")
    .action(run);
  program.command("sweep-worker", { hidden: true }).argument("<data>").action(work);
}

async function run(flags: SweepFlags): Promise<void> {
  const { nameOf, SweepDisplay } = await import("../sweep-display.js");
  const { sweep, unfinishedRuns } = await import("../../runs/sweep.js");
  const { readStore } = await import("../../runs/store.js");
  const data = dataOptions(flags);
  const planned = await plan(flags, data);
  const finished = flags.store === undefined ? [] : readStore(flags.store);
  const todo = unfinishedRuns({ runs: planned, out: flags.out, finished });
  process.stderr.write(`${planned.length} runs, ${planned.length - todo.length} of them finished before\n`);
  if (flags.list) {
    const { runId } = await import("../../runs/identity.js");
    for (const one of todo) process.stdout.write(`${runId(one.spec)}  ${one.finding}  ${nameOf(one)}\n`);
    return;
  }
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  const display = new SweepDisplay(todo.length, process.stderr);
  const report = await sweep({
    runs: todo,
    out: flags.out,
    jobs: flags.jobs,
    // The limit counts from the start of the command; reading a large text takes its part of it.
    timeLimit: flags.timeLimit === undefined ? undefined : flags.timeLimit - performance.now() / 1000,
    worker: [process.execPath, ...process.execArgv, process.argv[1], "sweep-worker", JSON.stringify(data)],
    signal: stop.signal,
    onEvent: (event) => display.show(event),
  });
  display.close();
  const { done, failed, left, problem } = report;
  process.stderr.write(
    `${done.length} runs trained, ${failed.length} failed, ${left.length} not started -> ${flags.out}\n`,
  );
  for (const { run: one, message } of failed) process.stderr.write(`braid: ${nameOf(one)}: ${message}\n`);
  if (problem !== undefined) throw new Error(problem);
  // Runs that are left are no error: the same command goes on with them. An abort and a failed run are.
  if (stop.signal.aborted) process.exitCode = 130;
  else if (failed.length > 0) process.exitCode = 1;
}

/** The worker process: one device, one data set, runs until told to stop. */
async function work(json: string): Promise<void> {
  const { openDataset } = await import("../../data/node.js");
  const { Gpu } = await import("../../gpu/gpu.js");
  const { workOff } = await import("../../runs/sweep.js");
  const { trainRun } = await import("../../runs/train-run.js");
  const dataset = await openDataset(JSON.parse(json) as OpenOptions);
  const gpu = await Gpu.open();
  let told = 0;
  await workOff((run, report) =>
    trainRun(gpu, run, dataset, {
      onProgress: ({ step, steps, loss, tokensPerSecond }) => {
        // A few messages a second are plenty, and cheap.
        if (performance.now() - told < 250 && step < steps) return;
        told = performance.now();
        report({ type: "progress", step, steps, loss, tokensPerSecond });
      },
    }),
  );
  gpu.close();
  process.exit(0);
}

function dataOptions(flags: SweepFlags): OpenOptions {
  const { validation, tokenizer, name, limitTokens, scale } = flags;
  if (flags.data === undefined && scale === "smoke") return smokeData;
  if (flags.data === undefined)
    throw new Error('--data: name the data to train on: "synthetic", a text or a .tokens file');
  return { data: flags.data, validation, tokenizer, name, limitTokens };
}

async function plan(flags: SweepFlags, data: OpenOptions): Promise<PlannedRun[]> {
  if ((flags.finding === undefined) === (flags.specs === undefined)) {
    throw new Error("give either --finding or --specs");
  }
  if (flags.specs !== undefined) return readSpecs(flags.specs);
  const { openDataset } = await import("../../data/node.js");
  const { bestRates, describeData } = await import("../../findings/finding.js");
  const { findingNamed } = await import("../../findings/index.js");
  const finding = findingNamed(flags.finding as string);
  const options: GridOptions = {
    scale: flags.scale,
    data: describeData(await openDataset(data)),
    seeds: flags.seeds === undefined ? undefined : numbers(flags.seeds, "--seeds"),
    labels: flags.labels?.split(","),
    tokens: flags.tokens,
  };
  if (flags.learningRates !== undefined) return learningRateGrid(finding, options, flags.learningRates);
  if (flags.ratesFrom === undefined) return finding.grid(options);
  const { readJsonl } = await import("../../runs/jsonl.js");
  const check = readJsonl(flags.ratesFrom).runs.filter((run) => run.finding === `${finding.name}-lr`);
  const peakRates = bestRates(check);
  process.stderr.write(`peak learning rates: ${JSON.stringify(peakRates)}\n`);
  const planned = finding.grid({ ...options, peakRates });
  const unchecked = planned.find(({ label }) => peakRates[label] === undefined);
  if (unchecked) throw new Error(`--rates-from: ${flags.ratesFrom} has no learning-rate check of ${unchecked.label}`);
  return planned;
}

function learningRateGrid(finding: Finding, options: GridOptions, rates: string | true): PlannedRun[] {
  return finding.learningRateGrid({
    ...options,
    rates: rates === true ? undefined : numbers(rates, "--learning-rates"),
  });
}

async function readSpecs(file: string): Promise<PlannedRun[]> {
  const { parsePlannedRun } = await import("../../runs/record.js");
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`--specs: ${file} cannot be read as JSON (${(error as Error).message})`);
  }
  if (!Array.isArray(value)) throw new Error(`--specs: ${file} must hold a JSON array of {finding, label, spec}`);
  return value.map((item, i) => parsePlannedRun(item, `${file}, entry ${i + 1}`));
}

function numbers(text: string, flag: string): number[] {
  return text.split(",").map((part) => {
    const value = Number(part);
    if (part.trim() === "" || !(value >= 0)) throw new Error(`${flag}: "${text}" must be numbers joined by commas`);
    return value;
  });
}
