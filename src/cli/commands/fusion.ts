import type { Command } from "commander";
import { FUSION_SIZES, type FusionSize, fusionDesigns } from "../../findings/fusion-designs.js";
import { fusionParameterRows, fusionTables } from "../../findings/fusion-designs-params.js";
import { readableJson } from "../../runs/json.js";
import { textTable } from "../text-table.js";

interface FusionFlags {
  size: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("fusion [row]")
    .description(
      "The designs of Tables 18 and 19: parameters beside the printed ones, or one row's config for --config",
    )
    .option("--size <size>", `of the table: 1b or 350m; of a config: ${FUSION_SIZES.join(", ")}`, "1b")
    .option("--json", "print the table as JSON")
    .action(run);
}

async function run(row: string | undefined, flags: FusionFlags): Promise<void> {
  const size = FUSION_SIZES.find((known) => known === flags.size.toLowerCase());
  if (!size) throw new Error(`--size: "${flags.size}" is not known; sizes are ${FUSION_SIZES.join(", ")}.`);
  if (row !== undefined) print(readableJson(configOf(row, size)));
  else if (size !== "1b" && size !== "350m") {
    throw new Error(`--size: the paper prints parameters for 1b and 350m; name a row for a config at ${size}.`);
  } else {
    const { paperTable } = await import("../../findings/paper.node.js");
    const rows = fusionParameterRows(size, paperTable(fusionTables[size]));
    print(flags.json ? readableJson(rows) : textTable(rows));
  }
}

function configOf(row: string, size: FusionSize): object {
  const designs = fusionDesigns(size);
  const found = designs.find((design) => String(design.row) === row);
  if (!found) throw new Error(`row: "${row}" is not a row of the table; rows are 1 to ${designs.length}.`);
  return found.config;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
