import type { Command } from "commander";
import { checkVocabulary, textStream } from "../../data/codec.js";
import { loadCodec } from "../../data/codec.node.js";
import { Generator } from "../../generate/generator.js";
import { checkSampling } from "../../generate/sample.js";
import { Gpu } from "../../gpu/gpu.js";
import { loadModel, modelFiles, ownType } from "../../model/folder.node.js";
import { Parameters } from "../../model/parameters.js";
import { rateText } from "../../train/progress.js";
import { modelFolder } from "../models.js";
import { seedNumber, whole, zeroOrMore } from "../numbers.js";
import { specialTokens } from "../special-tokens.js";
import { stopSignal } from "../stop.js";

interface Options {
  model: string;
  prompt: string;
  tokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
}

/** `braid generate`: continues a prompt with a model that `braid train --out` wrote, or a published one. */
export function register(program: Command): void {
  program
    .command("generate")
    .description("Continue a prompt with a trained model; prints the prompt and what follows")
    .requiredOption(
      "--model <model>",
      "what braid train wrote with --out, another model folder, or owner/name[@revision] on the hub",
    )
    .requiredOption("--prompt <text>", "the text to continue")
    .option("--tokens <n>", "tokens to write at most; the text may end before", whole, 256)
    .option(
      "--temperature <t>",
      "0 takes the likeliest token, 1 samples from the model's own distribution",
      zeroOrMore,
      1,
    )
    .option("--top-k <k>", "only the k likeliest tokens", Number)
    .option("--top-p <p>", "only the likeliest tokens that together have this probability", Number)
    .option("--seed <n>", "seed of the sampling", seedNumber, 0)
    .action((options: Options) => run(options));
}

async function run({ model, prompt, tokens, ...sampling }: Options): Promise<void> {
  checkSampling(sampling);
  if (prompt === "") throw new Error("The prompt is empty: give at least one character to continue from.");
  const folder = await modelFolder(model);
  const { config, values, tokenizer, type } = loadModel(folder);
  // Without a tokenizer the ids of a published model mean nothing, unless they can only be bytes. One of braid's own was
  // trained on bytes then, unless it has too few tokens for them: it was converted from a published one without a tokenizer.
  if (tokenizer === "bytes" && (type === ownType ? config.vocabSize < 256 : config.vocabSize !== 256)) {
    throw new Error(
      `${folder} has no ${modelFiles.tokenizer}, and its ${config.vocabSize} tokens are not the 256 bytes: put the model's tokenizer there.`,
    );
  }
  const codec = await loadCodec(tokenizer);
  checkVocabulary(codec, config.vocabSize);
  // Models of braid's own were trained on text alone, with separators between.
  const special = type === ownType ? { before: [], ends: [] } : specialTokens(folder);
  const ids = [...special.before, ...codec.encode(prompt)];
  const gpu = await Gpu.open();
  const stop = stopSignal();
  try {
    const parameters = new Parameters(gpu, config, false);
    parameters.load(values);
    const generator = new Generator(gpu, parameters, ids.length + tokens);
    const text = textStream(codec);
    // The first token takes the reading of the prompt; the speed is that of the others.
    let started = 0;
    let count = 0;
    process.stdout.write(prompt);
    const options = { ...sampling, maxTokens: tokens, stop: codec.separator, signal: stop.signal };
    for await (const id of generator.generate(ids, options)) {
      if (special.ends.includes(id)) break;
      if (count++ === 0) started = performance.now();
      // Vocabularies of published models may be rounded up, with ids that stand for nothing.
      if (id < codec.vocabSize) process.stdout.write(text(id));
    }
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write("\n");
    const speed = count > 1 ? `, ${rateText((count - 1) / seconds)}` : "";
    process.stderr.write(`${count} tokens${speed}\n`);
  } finally {
    stop.dispose();
    gpu.close();
  }
}
