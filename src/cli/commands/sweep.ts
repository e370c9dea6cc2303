import { existsSync } from "node:fs";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { OpenOptions } from "../../data/node.js";
import type { Card } from "../../runs/card.js";
import type { PlannedRun } from "../../runs/types.js";
import { indices, positive, whole } from "../numbers.js";
import { stopSignal } from "../stop.js";
import { dataOptions, type PlanFlags, plan, requireKnown } from "../sweep-plan.js";

interface SweepFlags extends PlanFlags {
  adapters?: string;
  jobs?: number | "auto";
  memory?: number;
  checkpointSeconds: number;
  timeLimit?: number;
  out: string;
  store?: string;
  list?: boolean;
}

export function register(program: Command): void {
  program
    .command("sweep")
    .description("Train the runs of a finding that are not there yet, several side by side")
    .option("--finding <name>", "train the studies of a finding that read such data, e.g. block-ratio")
    .option("--study <list>", "instead: these studies, e.g. block-ratio,placement")
    .option("--specs <file>", "instead: a JSON array of {finding, label, spec}, which say everything but the data")
    .addOption(
      new Option("--scale <scale>", "toys instead of the studies' models (beside --specs: the toys' data)").choices([
        "smoke",
      ]),
    )
    .option("--data <what>", '"synthetic", a text (.txt, .txt.gz, .txt.xz) or a .tokens file')
    .option("--validation <file>", "validation text")
    .option("--tokenizer <file>", '"bytes" or a tokenizer.json (default: bytes)')
    .option("--name <name>", "name of the data set, if not the file's")
    .option("--limit-tokens <n>", "keep only the text's first training tokens", whole)
    .option("--seeds <list>", "training seeds, e.g. 0,1,2", indices)
    .option("--labels <list>", "only these variants, e.g. 1:0,1:5")
    .option("--tokens <n>", "training tokens a run, e.g. 4e6", whole)
    .option(
      "--adapters <list>",
      '"all", or numbers and parts of names as "braid doctor" lists them (default: all GPUs)',
    )
    .option("--jobs <k>", 'processes on each adapter, or "auto": as many as pay, by measuring (default on a GPU)', jobs)
    .option(
      "--memory <GiB>",
      "memory of an adapter for its runs (default: 9/10 of what is free, 8 if unknown)",
      gibibytes,
    )
    .option(
      "--checkpoint-seconds <s>",
      "seconds between checkpoints of a run: what a crash loses at most",
      positive,
      60,
    )
    .option("--time-limit <s>", "start no run that would end later than this many seconds after the start", positive)
    .option("--store <dir>", "also skip runs that this store holds")
    .option("--out <file>", "JSONL that each finished run is appended to", "runs.jsonl")
    .option("--list", "print the runs that would be trained, and stop")
    .action(run);
  program.command("sweep-worker", { hidden: true }).argument("<options>").action(work);
}

async function run(flags: SweepFlags): Promise<void> {
  const { nameOf, SweepDisplay } = await import("../sweep-display.js");
  const { countRuns, sweep, unfinishedRuns } = await import("../../runs/sweep.js");
  const { readStore } = await import("../../runs/store.js");
  const { checkpointFolder, trunkFolder } = await import("../../runs/checkpoints.js");
  await requireKnown(flags);
  const data = dataOptions(flags);
  const planned = await plan(flags, data);
  const finished = flags.store === undefined ? [] : readStore(flags.store);
  const todo = unfinishedRuns({ runs: planned, out: flags.out, finished });
  const count = countRuns(planned);
  process.stderr.write(`${count} runs, ${count - todo.length} of them finished before\n`);
  if (flags.list) return list(todo, flags.out);
  // Nothing to train may still leave checkpoints of a sweep that was killed just after its last record.
  const leaves = (one: PlannedRun) =>
    [checkpointFolder, trunkFolder].some((folder) => existsSync(folder(flags.out, one)));
  if (todo.length === 0 && !planned.some(leaves)) return;
  const cards = todo.length === 0 ? [] : await cardsFor(flags);
  const orders: WorkerOptions = { data, checkpointSeconds: flags.checkpointSeconds };
  const display = new SweepDisplay(todo, process.stderr);
  const stop = stopSignal((how) => display.note(`Saving the runs under way; ${how}`)).signal;
  const report = await sweep({
    runs: planned,
    finished,
    out: flags.out,
    cards,
    // The limit counts from the start of the command; reading a large text takes its part of it.
    timeLimit: flags.timeLimit === undefined ? undefined : flags.timeLimit - performance.now() / 1000,
    worker: [process.execPath, ...process.execArgv, process.argv[1], "sweep-worker", JSON.stringify(orders)],
    signal: stop,
    onEvent: (event) => display.show(event),
  });
  display.close();
  if (todo.length === 0) return;
  const { done, failed, left, problem } = report;
  process.stderr.write(`${done.length} runs trained, ${failed.length} failed, ${left.length} left -> ${flags.out}\n`);
  for (const { run: one, message } of failed) process.stderr.write(`braid: ${nameOf(one)}: ${message}\n`);
  if (problem !== undefined) throw new Error(problem);
  // Runs that are left are no error: the same command goes on with them. An abort and a failed run are.
  if (stop.aborted) process.exitCode = 130;
  else if (failed.length > 0) process.exitCode = 1;
}

/** Prints what would be trained: id, finding, run, the memory it takes by estimate, and whether it has begun. */
async function list(todo: PlannedRun[], out: string): Promise<void> {
  const { nameOf } = await import("../sweep-display.js");
  const { runId } = await import("../../runs/identity.js");
  const { begunOn } = await import("../../runs/checkpoints.js");
  const { needsOf } = await import("../../runs/needs.js");
  for (const one of todo) {
    const home = begunOn(out, one);
    const memory = `${(needsOf(one).memory / 2 ** 30).toFixed(2)} GiB`;
    const begun = home === undefined ? "" : `  begun on ${home}`;
    process.stdout.write(`${runId(one.spec)}  ${one.finding}  ${nameOf(one)}  ${memory}${begun}\n`);
  }
}

async function cardsFor({ adapters, jobs, memory }: SweepFlags): Promise<Card[]> {
  const { listAdapters } = await import("../../gpu/adapters.node.js");
  const { chooseCards } = await import("../cards.js");
  const { cards, notes } = chooseCards(await listAdapters(), { adapters, jobs, memory });
  for (const { name, jobs: each, memory: room } of cards) {
    const gib = Number.isFinite(room) ? `, ${(room / 2 ** 30).toFixed(1)} GiB` : "";
    process.stderr.write(`${name}: ${each === "auto" ? "processes by measuring" : `${each} at a time`}${gib}\n`);
  }
  for (const note of notes) process.stderr.write(`${note}\n`);
  return cards;
}

interface WorkerOptions {
  data: OpenOptions;
  checkpointSeconds: number;
}

/** The worker process: one device, one data set, runs until told to stop. */
async function work(json: string): Promise<void> {
  const { openDataset } = await import("../../data/node.js");
  const { Gpu } = await import("../../gpu/gpu.js");
  const { prepareCheckpoints } = await import("../../runs/checkpoints.js");
  const { trainRun } = await import("../../runs/train-run.js");
  const { workOff } = await import("../../runs/worker.js");
  const { CheckpointFolder } = await import("../../train/checkpoint.node.js");
  const { isOfStep } = await import("../../train/progress.js");
  const { trunkOf } = await import("../../train/trunk.js");
  const { data, checkpointSeconds } = JSON.parse(json) as WorkerOptions;
  const dataset = await openDataset(data);
  const gpu = await Gpu.open();
  await workOff(({ run, checkpoints, trunk, card }, report, signal) => {
    let told = 0;
    prepareCheckpoints(checkpoints, card, gpu.info);
    if (trunk !== undefined) prepareCheckpoints(trunk, card, gpu.info);
    return trainRun(gpu, run, dataset, {
      signal,
      checkpoints: new CheckpointFolder(checkpoints, run.spec),
      trunk: trunk === undefined ? undefined : new CheckpointFolder(trunk, trunkOf(run.spec)),
      checkpointSeconds,
      onProgress: (progress) => {
        // The parent takes the first report for one of a step.
        if (!isOfStep(progress)) return;
        const { step, steps, loss, tokensPerSecond, secondsLeft } = progress;
        // A few messages a second are plenty, and cheap.
        if (performance.now() - told < 250 && step < steps) return;
        told = performance.now();
        report({ type: "progress", step, steps, loss, tokensPerSecond, secondsLeft });
      },
    });
  });
  gpu.close();
  process.exit(0);
}

/** For commander: a number of processes, or "auto". */
function jobs(text: string): number | "auto" {
  if (text === "auto") return "auto";
  try {
    return whole(text);
  } catch {
    throw new InvalidArgumentError('It must be a whole number above 0, or "auto".');
  }
}

function gibibytes(text: string): number {
  return positive(text) * 2 ** 30;
}
