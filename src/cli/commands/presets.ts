import type { Command } from "commander";
import { known, knownModel } from "../../config/known/index.js";
import { presetRows } from "../../config/known/table.js";
import { readableJson } from "../../runs/json.js";
import { textTable } from "../text-table.js";

interface PresetFlags {
  tiny?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("presets [name]")
    .description("Published models as configs: all of them in a table, or one of them as JSON for --config")
    .option("--tiny", "with a name: a model of the same structure, small enough for a test")
    .option("--json", "print JSON")
    .action(run);
}

function run(name: string | undefined, flags: PresetFlags): void {
  if (name !== undefined) print(readableJson(known(name, { tiny: flags.tiny })));
  else if (flags.tiny) throw new Error("--tiny: name the preset, as in: braid presets jamba-v0.1 --tiny.");
  else print(flags.json ? readableJson(presetRows()) : table());
}

function table(): string {
  return textTable(
    presetRows().map(({ preset, layers, pattern, weights, ours, published, differencePercent, note }) => ({
      preset,
      layers,
      pattern,
      parameters: ours.toLocaleString("en-GB").padStart(14),
      published: publishedText(preset, published).padStart(14),
      "%": differencePercent,
      note: [weights === "all" ? "" : "without embedding", note].filter((text) => text !== "").join("; "),
    })),
  );
}

/** With as many digits as are published. */
function publishedText(name: string, published: number): string {
  const { unit } = knownModel(name);
  if (unit === 1) return published.toLocaleString("en-GB");
  return unit < 1e7 ? `${Math.round(published / 1e6)}M` : `${(published / 1e9).toFixed(2)}B`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
