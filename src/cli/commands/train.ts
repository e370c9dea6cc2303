import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { profileStep } from "../../bench/profile.js";
import { kernelRates, measureCeilings, roofOf } from "../../bench/roofline.js";
import { withExperts } from "../../config/experts.js";
import { configFrom, readJson } from "../../config/file.node.js";
import { parseSize, preset, SIZES } from "../../config/presets.js";
import { batchAt } from "../../data/batches.js";
import { writeAtomically } from "../../data/files.node.js";
import { openDataset } from "../../data/node.js";
import { syntheticTokens } from "../../data/synthetic.js";
import type { Dataset } from "../../data/types.js";
import { download } from "../../gpu/arena.js";
import { Gpu } from "../../gpu/gpu.js";
import { type Recompute, recomputeLevels } from "../../memory/recompute.js";
import { saveModel } from "../../model/folder.node.js";
import { againInWords, type Finished } from "../../runs/again.js";
import { provenance } from "../../runs/provenance.js";
import { parseSpec } from "../../runs/record.js";
import { CheckpointFolder } from "../../train/checkpoint.node.js";
import { trainSpec } from "../../train/defaults.js";
import { rateText } from "../../train/progress.js";
import { stepsOf } from "../../train/schedule.js";
import type { TrainStep } from "../../train/step.js";
import { Stopped, train } from "../../train/trainer.js";
import type { TrainResult, TrainSpec } from "../../train/types.js";
import { kernelTable, memoryText } from "../bench/tables.js";
import { positive, seedNumber, share, whole } from "../numbers.js";
import { expertsHelp, letters } from "../pattern.js";
import { terminalProgress, timingProgress } from "../progress.js";
import { stopSignal } from "../stop.js";

interface Options {
  size?: string;
  pattern?: string;
  experts?: boolean;
  config?: string;
  spec?: string;
  data: string;
  validation?: string;
  tokenizer: string;
  name?: string;
  tokens: number;
  seed: number;
  lr?: number;
  batch: number;
  length: number;
  warmup: number;
  cooldown: number;
  validationTokens?: number;
  validateEvery?: number;
  checkpointEvery?: number;
  out?: string;
  precision: TrainSpec["precision"];
  recompute: Recompute;
  profile?: boolean;
  json?: boolean;
}

/** `braid train`: one run, from options or from a recorded run's spec, resumed where its folder holds a checkpoint. */
export function register(program: Command): void {
  program
    .command("train")
    .description("Train one model; run it again with the same --out to go on after a stop or a crash")
    .option("--size <name>", `model size: ${SIZES.join(", ")} (default: nano)`)
    .option("--pattern <letters>", letters())
    .option("--experts", expertsHelp)
    .option("--config <file>", "a ModelConfig as JSON, instead of --size and --pattern")
    .option(
      "--spec <file>",
      "a recorded run (JSON); everything but --data, --validation, --tokenizer and --out comes from it, and the losses are compared with its own",
    )
    .option(
      "--data <what>",
      '"synthetic", a text (.txt, .gz, .xz; documents separated by NUL) or a .tokens file',
      "synthetic",
    )
    .option("--validation <file>", "validation text (default: a part of the data)")
    .option("--tokenizer <what>", '"bytes" or a tokenizer.json', "bytes")
    .option("--name <name>", "what to call the data (default: the file's name)")
    .option("--tokens <n>", "training tokens", positive, 16e6)
    .option("--seed <n>", "seed of weights and batches", seedNumber, 0)
    .option("--lr <rate>", "peak learning rate (default: by size)", positive)
    .option("--batch <n>", "sequences a step", whole, 32)
    .option("--length <n>", "tokens a sequence", whole, 512)
    .option("--warmup <share>", "share of the steps that warm up", share, 0.25)
    .option("--cooldown <share>", "share of the steps that cool down", share, 0.2)
    .option("--validation-tokens <n>", "tokens of the validation text that are scored", whole)
    .option("--validate-every <n>", "steps between validations (default: a quarter of the run)", whole)
    .option("--checkpoint-every <n>", "steps between checkpoints (default: a tenth of the run)", whole)
    .option("--out <folder>", "where checkpoints, the model and result.json go; without it, nothing is kept")
    .addOption(
      new Option("--precision <kind>", "mixed: activations and products in f16, where the adapter has it")
        .choices(["f32", "mixed"])
        .default("f32"),
    )
    .addOption(
      new Option(
        "--recompute <level>",
        "compute again in the backward pass rather than keep: activations, convolutions and gated norms, or whole layers (same result, less memory, more time)",
      )
        .choices(recomputeLevels)
        .default("none"),
    )
    .option("--profile", "print the time of each kernel in a step after training, and its share of the roofline")
    .option("--json", "print the result as JSON")
    .action((options: Options, command: Command) => run(options, command));
}

async function run(options: Options, command: Command): Promise<void> {
  requireOneModel(options);
  if (options.spec) requireNoneOfSpec(command);
  const { spec: recorded, finished } = options.spec === undefined ? {} : readRun(options.spec);
  const { data, validation, tokenizer, name } = options;
  // The synthetic language of a recorded run is as long as it was then.
  const tokens = (recorded && syntheticTokens(recorded.data, recorded.tokens)) ?? options.tokens;
  const dataset = await openDataset({ data, validation, tokenizer, name, tokens });
  const spec = recorded ?? specFrom(options, dataset);
  const checkpoints = options.out ? new CheckpointFolder(join(options.out, "checkpoints"), spec) : undefined;
  if (options.out) mkdirSync(options.out, { recursive: true });
  const gpu = await Gpu.open();
  if (spec.precision === "mixed" && !gpu.has("shader-f16")) {
    process.stderr.write("This adapter has no f16: mixed precision is f32 here.\n");
  }
  const stop = stopSignal();
  const started = performance.now();
  try {
    let profiled: string | undefined;
    const quiet = options.json && !process.stderr.isTTY;
    const result = await train(gpu, spec, dataset, {
      onProgress: quiet ? undefined : terminalProgress(),
      onTimed: quiet ? undefined : timingProgress(),
      signal: stop.signal,
      checkpoints,
      recompute: options.recompute,
      checkpointEvery: options.checkpointEvery ?? Math.max(1, Math.ceil(stepsOf(spec) / 10)),
      onFinish: async (step) => {
        if (options.out) {
          saveModel(options.out, spec.config, await download(gpu, step.parameters.values), options.tokenizer);
        }
        if (options.profile) profiled = await profile(step, dataset);
      },
    });
    const wall = (performance.now() - started) / 1000;
    const record = { spec, result, provenance: provenance(gpu.info, wall) };
    if (options.out) writeAtomically(join(options.out, "result.json"), `${JSON.stringify(record, null, 2)}\n`);
    process.stdout.write(options.json ? `${JSON.stringify(record)}\n` : summary(spec, result, gpu));
    // What reads the JSON wants nothing behind it.
    const aside = options.json ? process.stderr : process.stdout;
    if (finished) aside.write(`${againInWords(finished, record)}\n`);
    if (profiled) aside.write(`\n${profiled}\n`);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    const resume = options.out ? "Run the same command to go on." : "Without --out nothing was kept.";
    throw new Error(`${error.message} ${resume}`);
  } finally {
    stop.dispose();
    gpu.close();
  }
}

/** What each kernel of one more step takes, at learning rate 0, against what the adapter can do. */
async function profile(step: TrainStep, dataset: Dataset): Promise<string> {
  const { gpu, spec } = step;
  const batch = batchAt(dataset.train, { seed: spec.seed, step: 0, ...spec.batch });
  const rows = await profileStep(gpu, (profile) => step.run(batch, 0, 0, profile));
  const roof = roofOf(await measureCeilings(gpu), spec.precision);
  return `${kernelTable(kernelRates(rows, roof), roof)}\n${memoryText(step.bytes)}`;
}

/** @throws Error when options describe the model twice: one of them would do nothing */
function requireOneModel(options: Options): void {
  const among = (names: readonly ("size" | "pattern" | "config" | "experts")[]) =>
    names.find((name) => options[name] !== undefined);
  const beside = options.spec
    ? among(["size", "pattern", "config", "experts"])
    : options.config && among(["size", "pattern"]);
  if (!beside) return;
  throw new Error(`--${beside}: --${options.spec ? "spec" : "config"} describes the model; leave out one of them.`);
}

const ofSpec = [
  ...["tokens", "seed", "lr", "batch", "length", "warmup", "cooldown", "precision"],
  ...["validationTokens", "validateEvery"],
];

/** @throws Error when an option is given that would do nothing, because --spec says it */
function requireNoneOfSpec(command: Command): void {
  const idle = ofSpec.find((name) => command.getOptionValueSource(name) === "cli");
  if (idle === undefined) return;
  const flag = command.options.find((option) => option.attributeName() === idle)?.long;
  throw new Error(`${flag}: the run of --spec says it; leave out one of them.`);
}

function specFrom(options: Options, dataset: Dataset): TrainSpec {
  const { vocabSize } = dataset.codec;
  const config = options.config
    ? configFrom(readJson(options.config), options.config)
    : preset(parseSize(options.size ?? "nano"), { pattern: options.pattern, vocabSize });
  const model = options.experts ? withExperts(config) : config;
  const { tokens, seed, lr, batch: sequences, length, warmup, cooldown } = options;
  if (warmup + cooldown > 1) {
    throw new Error(
      `--warmup ${warmup} and --cooldown ${cooldown} are more than the whole run; their sum must be at most 1`,
    );
  }
  const spec = trainSpec(model, dataset, {
    tokens,
    seed,
    lr,
    batch: { sequences, length },
    schedule: { warmup, cooldown },
    precision: options.precision,
  });
  const { validationTokens = spec.validation.tokens, validateEvery = spec.validation.every } = options;
  return { ...spec, validation: { tokens: validationTokens, every: validateEvery } };
}

/** A run's spec, and what it came to where it is recorded and not only planned. */
function readRun(file: string): { spec?: TrainSpec; finished?: Finished } {
  const value = readJson(file);
  const spec = parseSpec(value, file);
  const { result, provenance } = value as Partial<Finished>;
  return {
    spec: { ...spec, config: configFrom(spec.config, file) },
    finished: result?.curve && provenance && { result, provenance },
  };
}

/** How the loss scale fared, where steps were skipped for it. */
function scaleText({ lossScale }: TrainResult): string {
  if (!lossScale?.skipped) return "";
  return `${lossScale.skipped} steps skipped, whose gradients did not fit into f16; the loss scale ended at ${lossScale.scale}\n`;
}

function summary(spec: TrainSpec, result: TrainResult, gpu: Gpu): string {
  const { validation, params } = result;
  return `${spec.config.pattern}, ${(params.total / 1e6).toFixed(2)}M parameters, seed ${spec.seed}, ${gpu.info.description || gpu.info.device}
${result.steps} steps, ${(result.tokens / 1e6).toFixed(2)}M tokens in ${result.seconds.toFixed(1)} s (${rateText(result.tokensPerSecond)})
${scaleText(result)}validation: ${validation.nllPerToken.toFixed(4)} nats a token, ${validation.nllPerByte.toFixed(4)} nats a byte (${validation.tokens} tokens)
`;
}
