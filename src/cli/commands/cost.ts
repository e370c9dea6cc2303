import { type Command, Option } from "commander";
import { configFrom, readJson } from "../../config/file.node.js";
import { type ModelConfig, parseSize, preset, SIZES, withExperts } from "../../config/index.js";
import {
  activeWeights,
  type Cost,
  cost,
  estimateTrainingMemory,
  linearWeights,
  PAPER_CONTEXT,
  PAPER_TOKENS,
} from "../../cost/index.js";
import { recomputeLevels } from "../../memory/recompute.js";
import { expertsHelp, letters } from "../pattern.js";
import { textTable } from "../text-table.js";

interface CostFlags {
  size?: string;
  pattern?: string;
  experts?: boolean;
  config?: string;
  vocab?: string;
  context: string;
  tokens: string;
  sequences?: string;
  precision: "f32" | "mixed";
  json?: boolean;
  paper?: string;
}

export function register(program: Command): void {
  program
    .command("cost")
    .description("Weights, training FLOPs and decoding cache of a model, by the paper's formulas")
    .option("--size <size>", `a named size: ${SIZES.join(", ")}`)
    .option("--pattern <letters>", letters())
    .option("--experts", expertsHelp)
    .option("--config <file>", "a model config in JSON, instead of a size and a pattern")
    .option("--vocab <n>", "vocabulary of a named size (default: the size's own)")
    .option("--context <n>", "tokens in a sequence", String(PAPER_CONTEXT))
    .option("--tokens <n>", "tokens of the training run, such as 60e9", String(PAPER_TOKENS))
    .option(
      "--sequences <n>",
      "also the memory of training on so many sequences a step, at each level of recomputation",
    )
    .addOption(
      new Option("--precision <kind>", "of that memory; mixed keeps activations in f16")
        .choices(["f32", "mixed"])
        .default("f32"),
    )
    .addOption(
      new Option(
        "--paper <table>",
        "compare every cost that a table of the paper prints (such as 9 or 10) with the formulas",
        // It says which models, and how they are counted.
      ).conflicts(["size", "pattern", "experts", "config", "vocab", "sequences"]),
    )
    .option("--json", "print JSON")
    .action(run);
}

async function run(flags: CostFlags): Promise<void> {
  if (flags.paper !== undefined) {
    const rows = await paperRows(flags.paper);
    print(flags.json ? JSON.stringify(rows) : textTable(rows));
    return;
  }
  const config = modelConfig(flags);
  const context = positive("--context", flags.context);
  const costs = cost(config, { context, tokens: positive("--tokens", flags.tokens) });
  const sequences = flags.sequences === undefined ? undefined : positive("--sequences", flags.sequences);
  const memory = sequences && (await trainingMemory(config, { sequences, length: context }, flags.precision));
  if (flags.json) print(JSON.stringify(memory ? { ...costs, trainingMemory: memory } : costs));
  else {
    print(textTable(costTable(config, costs, context, flags.tokens)));
    if (memory)
      print(`\ntraining memory, ${flags.precision}, ${sequences} sequences of ${context}\n${memoryTable(memory)}`);
  }
}

/** The estimate, and what a step that is recorded on paper takes. */
async function trainingMemory(
  config: ModelConfig,
  batch: { sequences: number; length: number },
  precision: "f32" | "mixed",
) {
  // Loaded here, so that a single cost needs nothing of the GPU.
  const { planStep } = await import("../../train/plan.js");
  return recomputeLevels.map((recompute) => {
    const estimate = estimateTrainingMemory(config, batch, { recompute, precision });
    const { bytes, dispatches, bound } = planStep(config, batch, { recompute, precision });
    return { recompute, estimate, recorded: { bytes, dispatches, bound } };
  });
}

function memoryTable(levels: Awaited<ReturnType<typeof trainingMemory>>): string {
  return textTable(
    levels.map(({ recompute, estimate, recorded }) => ({
      recompute,
      "estimate, GiB": gib(estimate.total),
      "recorded, GiB": gib(recorded.bytes.total),
      "of it activations": gib(recorded.bytes.activations),
      dispatches: String(recorded.dispatches),
      "they bind, GiB": gib(recorded.bound),
    })),
  );
}

function modelConfig(flags: CostFlags): ModelConfig {
  const model = denseConfig(flags);
  return flags.experts ? withExperts(model) : model;
}

function denseConfig(flags: CostFlags): ModelConfig {
  if (flags.config !== undefined) {
    if (flags.size !== undefined || flags.pattern !== undefined || flags.vocab !== undefined) {
      throw new Error("--config: the file describes the model; leave out --size, --pattern and --vocab.");
    }
    return configFrom(readJson(flags.config), flags.config);
  }
  if (flags.size === undefined) throw new Error(`--size: missing; give one of ${SIZES.join(", ")}, or --config.`);
  const vocabSize = flags.vocab === undefined ? undefined : positive("--vocab", flags.vocab);
  return preset(parseSize(flags.size), { pattern: flags.pattern, vocabSize });
}

/** A number that may be written as 60e9 or 8_192. */
function positive(option: string, text: string): number {
  const value = Number(text.replaceAll("_", ""));
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new Error(`${option}: "${text}" is not a number; write it as 60e9 or 8192.`);
  }
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${option}: ${text} must be a whole number of at least 1.`);
  return value;
}

async function paperRows(text: string) {
  // Loaded here, so that a single cost needs no tables.
  const { checkCosts, costTables } = await import("../../findings/costs-checks.js");
  const { costRows } = await import("../../findings/costs-tables.js");
  const { paperTable } = await import("../../findings/paper.node.js");
  const found = costTables.find(({ table }) => String(table) === text);
  if (!found) {
    const known = costTables.map(({ table }) => table).join(", ");
    throw new Error(`--paper: Table ${text} prints no costs that can be computed; tables that do are ${known}.`);
  }
  return costRows(checkCosts(found.table, paperTable(found.file)));
}

function costTable(config: ModelConfig, costs: Cost, context: number, tokens: string) {
  const { params, trainFlops, flopsPerToken, flopsPerSequence, cacheBytes } = costs;
  const [active, linear] = [activeWeights(config), linearWeights(config)];
  return [
    { quantity: "pattern", value: config.pattern, "": `${config.pattern.length} layers` },
    quantity("parameters", params.total, billion(params.total)),
    quantity("  non-embedding", params.nonEmbedding, billion(params.nonEmbedding)),
    quantity("  embedding", params.embedding, billion(params.embedding)),
    ...(active < linear
      ? [quantity("  linear weights that a token passes", active, `${billion(active)} of ${billion(linear)}`)]
      : []),
    quantity("training FLOPs a token", flopsPerToken),
    quantity(`training FLOPs a sequence of ${context}`, flopsPerSequence),
    quantity(`training FLOPs of ${tokens} tokens`, trainFlops),
    quantity(`decoding cache after ${context} tokens, bytes`, cacheBytes, mib(cacheBytes)),
  ];
}

function quantity(name: string, value: number, note = ""): { quantity: string; value: string; "": string } {
  return {
    quantity: name,
    value: value < 1e12 ? Math.round(value).toLocaleString("en-GB") : value.toPrecision(4),
    "": note,
  };
}

function billion(count: number): string {
  return count < 1e8 ? `${(count / 1e6).toFixed(2)} million` : `${(count / 1e9).toFixed(3)} billion`;
}

const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(2);

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
