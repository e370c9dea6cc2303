/** The paper's tables, read from `data/paper` of this package (a checkout or an installed copy). */

import { readdirSync, readFileSync } from "node:fs";
import { fromCSV } from "arquero";
import type { Row } from "./finding.js";

// The same two steps up from src/findings and from dist/findings.
const folder = new URL("../../data/paper/", import.meta.url);

/**
 * The rows of one table as transcribed: numbers as numbers, empty cells as null. `data/paper/README.md` says what the
 * columns are.
 *
 * @param name the file's name without ".csv", such as "table09_1b_all", or only its first part, "table09"
 * @throws Error when there is no such table, listing those that there are
 */
export function paperTable(name: string): Row[] {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(".csv"))
    .map((file) => file.slice(0, -".csv".length))
    .sort();
  const found = names.find((known) => known === name) ?? names.find((known) => known.startsWith(`${name}_`));
  if (!found) throw new Error(`The paper's table "${name}" is not in data/paper; tables are ${names.join(", ")}.`);
  const text = readFileSync(new URL(`${found}.csv`, folder), "utf8");
  return fromCSV(text).objects() as Row[];
}
