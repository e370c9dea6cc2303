import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { Command } from "commander";
import { writeAtomically } from "../../data/files.node.js";
import { Gpu } from "../../gpu/gpu.js";
import type { MapsFile, ModelMaps } from "../../inspect/map-file.js";
import { openModel } from "../../inspect/open.node.js";
import { type RecordOptions, recordMaps } from "../../inspect/record-maps.js";
import { runId } from "../../runs/identity.js";
import type { TrainSpec } from "../../train/types.js";
import { modelFolder, sizeText } from "../models.js";
import { indices, whole } from "../numbers.js";

interface Options extends RecordOptions {
  text: string;
  out: string;
}

/** `braid maps`: what trained models look at in a text, as a file small enough to keep. */
export function register(program: Command): void {
  program
    .command("maps <models...>")
    .description(
      "Record how models look at a text: for every layer and head how evenly and how far, for some layers the maps; MODELS are model folders (their names become the models'), or owner/name[@revision] on the hub",
    )
    .requiredOption("--text <file>", "a text file; its beginning is read")
    .requiredOption("--out <file>", "the JSON file to write, such as data/maps/placement.json")
    .option("--read <n>", "tokens that are read", whole, 256)
    .option("--drawn <n>", "the first of them, whose maps are kept (default: 64, or all that are read)", whole)
    .option(
      "--layers <list>",
      "layers whose maps are kept, from 0 (default: the first, the middle and the last)",
      indices,
    )
    .option("--heads <list>", "heads, from 0 (default: all; Mamba-1 has one a channel: name some)", indices)
    .addHelpText(
      "after",
      `
The file has, for each model, "summaries" (layer, branch, head, entropy in nats, evenness from 0 to 1, distance in tokens, over all tokens
read), "tokens" (numbers in the vocabulary of those drawn) and "maps": the lower triangle of what each token takes from each earlier one, row by row, a byte
each in base64, weight = (byte / 255)². Of Mamba, |M| of its implicit attention with rows that add up to 1, D left out.
The notebook 03-placement draws data/maps/placement.json.`,
    )
    .action(run);
}

async function run(models: string[], { text: file, out, ...options }: Options): Promise<void> {
  const names = models.map((model) => basename(resolve(model)));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice) throw new Error(`models: two folders are called ${twice}, and the file names models by their folders`);
  const text = readFileSync(file, "utf8");
  const gpu = await Gpu.open();
  try {
    const recorded: ModelMaps[] = [];
    for (const [i, model] of models.entries()) {
      const folder = await modelFolder(model);
      const { parameters, codec } = await openModel(gpu, folder);
      const opened = { name: names[i], parameters, codec, run: runOf(folder) };
      recorded.push(await recordMaps(gpu, opened, text, options));
      parameters.destroy();
    }
    const content: MapsFile = { text: basename(file), models: recorded };
    const json = `${JSON.stringify(content)}\n`;
    writeAtomically(out, json);
    const counts = recorded.map(({ name, maps }) => `${name} ${maps.length}`).join(", ");
    process.stdout.write(`${out}: ${sizeText(Buffer.byteLength(json))}; maps: ${counts}\n`);
  } finally {
    gpu.close();
  }
}

/** The id of the run that `braid train --out` left beside its model. */
function runOf(folder: string): string | undefined {
  const path = join(folder, "result.json");
  if (!existsSync(path)) return undefined;
  const { spec } = JSON.parse(readFileSync(path, "utf8")) as { spec?: TrainSpec };
  return spec && runId(spec);
}
