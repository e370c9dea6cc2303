import type { Command } from "commander";
import type { RunRecord } from "../../runs/types.js";
import { rateText } from "../../train/progress.js";
import { textTable } from "../text-table.js";

interface StoreFlags {
  store?: string;
}

export function register(program: Command): void {
  const runs = program.command("runs").description("The store of recorded runs");
  const add = (usage: string, description: string) =>
    runs
      .command(usage)
      .description(description)
      .option("--store <dir>", "the store (default: the package's data/runs)");
  add("list [finding]", "print a table of the runs").action(list);
  add("show <id>", "print a run: its spec, losses and where it was made").action(show);
  add("command <id>", "print the command that trains a run again").action(command);
  add("import <file>", "merge finished runs from a JSONL that `braid sweep` wrote").action(importRuns);
}

async function list(finding: string | undefined, flags: StoreFlags): Promise<void> {
  const { readStore } = await import("../../runs/store.js");
  const folder = await storeOf(flags);
  const found = readStore(folder, finding);
  if (found.length === 0) {
    const known = [...new Set(readStore(folder).map((run) => run.finding))];
    if (finding !== undefined && known.length > 0) {
      throw new Error(`there are no runs of ${finding} in ${folder}; there are some of ${known.join(", ")}`);
    }
    throw new Error(`there are no runs in ${folder}`);
  }
  const rows = found.map((run) => ({
    id: run.id,
    finding: run.finding,
    label: run.label,
    seed: run.spec.seed,
    lr: run.spec.optimizer.lr,
    tokens: run.result.tokens,
    "NLL/token": run.result.validation.nllPerToken.toFixed(4),
    "NLL/byte": run.result.validation.nllPerByte.toFixed(4),
    speed: rateText(run.result.tokensPerSecond),
    adapter: run.provenance.adapter,
  }));
  process.stdout.write(`${textTable(rows)}\n`);
}

async function show(id: string, flags: StoreFlags): Promise<void> {
  const { readableJson } = await import("../../runs/json.js");
  const { run } = await findRun(id, flags);
  process.stdout.write(`${readableJson(run)}\n`);
}

async function command(id: string, flags: StoreFlags): Promise<void> {
  const { commandFor } = await import("../../runs/command.js");
  const { run, file } = await findRun(id, flags);
  process.stdout.write(`${commandFor(run, file)}\n`);
}

async function importRuns(file: string, flags: StoreFlags): Promise<void> {
  const { importJsonl } = await import("../../runs/store.js");
  const folder = await storeOf(flags);
  const { added, skipped, unfinished } = importJsonl(file, folder);
  process.stdout.write(`${added.length} runs added to ${folder}, ${skipped.length} there already\n`);
  if (unfinished) process.stderr.write(`braid: the last line of ${file} is unfinished and was left out\n`);
}

async function storeOf({ store }: StoreFlags): Promise<string> {
  return store ?? (await import("../../runs/store.js")).packageStore;
}

/** The run whose id starts with the given digits. Throws when there is none, or more than one. */
async function findRun(id: string, flags: StoreFlags): Promise<{ run: RunRecord; file: string }> {
  const { readStore, runFile } = await import("../../runs/store.js");
  const folder = await storeOf(flags);
  const found = readStore(folder).filter((run) => run.id.startsWith(id));
  if (found.length === 1) return { run: found[0], file: runFile(folder, found[0]) };
  if (found.length === 0) throw new Error(`there is no run ${id} in ${folder}; see "braid runs list"`);
  throw new Error(`${id} fits ${found.length} runs: ${found.map((run) => `${run.id} (${run.finding})`).join(", ")}`);
}
