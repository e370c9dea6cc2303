import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { from, fromCSV } from "arquero";
import type { Row } from "../../src/findings/finding.js";

const fileOf = (name: string) => fileURLToPath(new URL(`../../data/golden/${name}.csv`, import.meta.url));

/** Whether data/golden has a table of this name. */
export const hasGolden = (name: string) => existsSync(fileOf(name));

/**
 * Compares rows with data/golden/<name>.csv, cell by cell: as text, or, with a tolerance, numbers by their absolute
 * difference. Throws naming file, row and column of each difference (the first five). With UPDATE_GOLDEN=1 in the
 * environment it writes the file instead.
 */
export function expectGolden(name: string, rows: readonly Row[], tolerance = 0): void {
  const file = fileOf(name);
  const csv = `${from([...rows])
    .toCSV()
    .trimEnd()}\n`;
  if (process.env.UPDATE_GOLDEN === "1") {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, csv);
    return;
  }
  const shown = `data/golden/${name}.csv`;
  if (!existsSync(file)) throw new Error(`${shown} does not exist; UPDATE_GOLDEN=1 writes it`);
  const problems = differences(shown, cells(readFileSync(file, "utf8")), cells(csv), tolerance);
  if (problems.length > 0) throw new Error(problems.slice(0, 5).join("\n"));
}

type Cells = Record<string, string>[];

const cells = (csv: string) => fromCSV(csv.trimEnd(), { autoType: false }).objects() as Cells;

function differences(file: string, stored: Cells, computed: Cells, tolerance: number): string[] {
  const problems: string[] = [];
  if (stored.length !== computed.length)
    problems.push(`${file}: ${stored.length} rows are stored, ${computed.length} are computed`);
  for (let i = 0; i < Math.min(stored.length, computed.length); i++) {
    const key = Object.values(stored[i]).slice(0, 2).join(", ");
    for (const column of new Set([...Object.keys(stored[i]), ...Object.keys(computed[i])])) {
      const [was, is] = [stored[i][column], computed[i][column]];
      const near = tolerance > 0 && Math.abs(Number(was) - Number(is)) <= tolerance;
      if (was !== is && !near)
        problems.push(`${file}, row ${i + 1} (${key}), column ${column}: stored ${was}, computed ${is}`);
    }
  }
  return problems;
}
