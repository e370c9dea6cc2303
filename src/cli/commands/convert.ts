import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { readJson } from "../../config/file.node.js";
import { loadCodec } from "../../data/codec.node.js";
import type { Json } from "../../model/families/fields.js";
import { familyTypes } from "../../model/families/table.js";
import { type LoadedModel, loadModel, modelFiles, ownType, saveModel } from "../../model/folder.node.js";
import { layoutOf } from "../../model/parameters.js";
import type { FloatType } from "../../model/safetensors.js";
import { openWeights } from "../../model/weight-files.node.js";
import { modelFolder, sizeText } from "../models.js";

interface Options {
  as?: string;
  dtype?: "f32" | "f16" | "bf16";
  maxShard: number;
  force?: boolean;
}

const types = { f32: "F32", f16: "F16", bf16: "BF16" } as const;

/** `braid convert`: writes a model in another family's format, in other shards or with other numbers. */
export function register(program: Command): void {
  program
    .command("convert <from> <to>")
    .description(
      "Write a model as a folder that braid or transformers reads; FROM is a model folder, or owner/name[@revision] on the hub",
    )
    .addOption(new Option("--as <family>", "whose format to write (default: that of FROM)").choices(known()))
    .addOption(
      new Option("--dtype <type>", "how numbers are stored (default: as in FROM, f32 where it has several)").choices(
        Object.keys(types),
      ),
    )
    .addOption(
      new Option("--max-shard <size>", "bytes of tensors in a file at most, such as 500MB")
        .argParser(byteCount)
        .default(5e9, "5GB"),
    )
    .option("--force", "write into a folder that is not empty: a model there is replaced, other files stay")
    .action((from: string, to: string, options: Options) => run(from, to, options));
}

const known = () => [ownType, ...familyTypes()];

async function run(from: string, to: string, { as, dtype, maxShard, force = false }: Options): Promise<void> {
  // Before a download that may take hours.
  requireRoom(to, force);
  const source = await modelFolder(from);
  const model = loadModel(source);
  const type = as ?? model.type;
  const stored = dtype ? types[dtype] : storedType(source);
  // Beside the target, so that the last step is a rename within one file system.
  const temporary = `${resolve(to)}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(temporary), { recursive: true });
    const extra = type === ownType ? {} : await tokenKeys(source, model, type);
    const { config, values, tokenizer } = model;
    saveModel(temporary, config, values, tokenizer, { as: type, extra, dtype: stored, maxShardBytes: maxShard });
    if (type !== ownType) copyFiles(source, temporary);
    const files = readdirSync(temporary).sort();
    const lines = files.map((file) => `  ${file.padEnd(34)} ${sizeText(statSync(join(temporary, file)).size)}`);
    putInPlace(temporary, to);
    const { table } = layoutOf(config);
    const count = table.reduce((sum, { size }) => sum + size, 0).toLocaleString("en-GB");
    process.stdout.write(`${to}: ${type}, ${count} parameters in ${stored.toLowerCase()}\n${lines.join("\n")}\n`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @throws Error when something is at the target that would be lost or mixed up with the model */
function requireRoom(to: string, force: boolean): void {
  const found = statSync(to, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isDirectory()) throw new Error(`${to} is a file; a model is written as a folder.`);
  if (force || readdirSync(to).length === 0) return;
  const what = existsSync(join(to, modelFiles.config)) ? "has a model already" : "is a folder that is not empty";
  const effect = existsSync(join(to, modelFiles.config)) ? "replaces it" : "writes into it";
  throw new Error(`${to} ${what}; --force ${effect}.`);
}

/** The type that all tensors of a folder have, or the one that holds the values of them all. */
function storedType(folder: string): FloatType {
  const weights = openWeights(folder);
  const found = new Set([...weights.keys()].map((name) => weights.entry(name)!.dtype));
  const [only] = found;
  return found.size === 1 && (only === "F16" || only === "BF16") ? only : "F32";
}

/** Keys of config.json that say nothing of the weights, but that programs which generate text need. */
const carried = ["bos_token_id", "eos_token_id", "pad_token_id", "max_position_embeddings"];

async function tokenKeys(source: string, { type: before, tokenizer }: LoadedModel, type: string): Promise<Json> {
  if (before === ownType) {
    // In training, the separator stands both before and behind every document.
    const { separator } = await loadCodec(tokenizer);
    return { bos_token_id: separator, eos_token_id: separator, pad_token_id: null };
  }
  const json = readJson(join(source, modelFiles.config)) as Json;
  const keys = Object.fromEntries(carried.flatMap((key) => (key in json ? [[key, json[key]]] : [])));
  // A missing key has another default in each family; most files without one have no padding.
  return type === before ? keys : { pad_token_id: null, ...keys };
}

/** Files of a folder that a text needs on its way to a model and back, besides tokenizer.json. */
const textFiles = [
  "generation_config.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
  "chat_template.jinja",
];

function copyFiles(source: string, target: string): void {
  for (const file of textFiles) {
    if (existsSync(join(source, file))) copyFileSync(join(source, file), join(target, file));
  }
}

const ofModel = (file: string) =>
  [modelFiles.config, modelFiles.tokenizer, ...textFiles].includes(file) ||
  /^model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/.test(file);

/** Gives the temporary folder its name, or its files their places in a folder that is there. */
function putInPlace(temporary: string, to: string): void {
  const present = existsSync(to) ? readdirSync(to) : undefined;
  if (present === undefined || present.length === 0) {
    // Not all systems rename onto an empty folder.
    if (present) rmdirSync(to);
    renameSync(temporary, to);
    return;
  }
  // Without its config a folder is no model: so that nobody finds old and new files mixed, it goes first and comes last.
  const old = present.filter(ofModel).sort((a, b) => Number(b === modelFiles.config) - Number(a === modelFiles.config));
  for (const file of old) rmSync(join(to, file));
  const files = readdirSync(temporary).filter((file) => file !== modelFiles.config);
  for (const file of [...files, modelFiles.config]) renameSync(join(temporary, file), join(to, file));
}

const units: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9, ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30 };

/** "5GB", "200 kB", "1GiB" or a number of bytes. */
function byteCount(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(|[kmg]i?)b?$/i.exec(text.trim()) ?? [];
  const bytes = Math.floor(Number(number) * units[unit?.toLowerCase()]);
  if (bytes >= 1) return bytes;
  throw new InvalidArgumentError("It must be a size such as 5GB, 500MB or 1GiB.");
}
