/** `braid run --check`: do fresh outputs and figures equal the stored ones, and if not, where is the first difference? */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compareMarkup, compareText, type Difference } from "./compare.js";
import { type Cell, cellName, type Notebook, type Output, tagsOf } from "./notebook.js";
import { isInjected } from "./parameters.js";

/**
 * Compares the outputs of an executed notebook with those stored in its file, cell by cell. A cell tagged `volatile`
 * (training speed, a live display) is only required to have run.
 *
 * @returns one sentence for each cell that differs: cell, line, stored and fresh text
 */
export function checkOutputs(stored: Notebook, fresh: Notebook, path: string): string[] {
  const cells = stored.cells.filter((cell) => cell.cell_type === "code" && !isInjected(cell));
  if (cells.length > 0 && cells.every((cell) => cell.execution_count === null)) {
    return [`${path} holds no stored outputs; store them with braid run --in-place ${path}.`];
  }
  return cells.flatMap((cell) => {
    const now = fresh.cells.find((other) => other.id === cell.id);
    if (!now || tagsOf(cell).includes("volatile")) return [];
    const difference = compareOutputs(cell, now);
    return difference ? [`${path}, ${cellName(stored, cell)}, ${describe(difference)}`] : [];
  });
}

/**
 * Compares each SVG that a run drew into `fresh` with the file of that name in `stored`.
 * @returns one sentence for each figure that is missing or differs
 */
export function checkFigures(stored: string, fresh: string, label: string): string[] {
  const drawn = existsSync(fresh) ? readdirSync(fresh).filter((file) => file.endsWith(".svg")) : [];
  return drawn.sort().flatMap((file) => {
    const path = join(stored, file);
    if (!existsSync(path)) return [`${label}/${file} is drawn, but not stored; store it with braid run --in-place.`];
    const difference = compareMarkup(readFileSync(path, "utf8"), readFileSync(join(fresh, file), "utf8"));
    return difference ? [`${label}/${file}, ${describe(difference)}`] : [];
  });
}

function compareOutputs(stored: Cell, fresh: Cell): Difference | undefined {
  const before = merge(stored.outputs ?? []);
  const after = merge(fresh.outputs ?? []);
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    const difference = compareOutput(before[index], after[index]);
    if (difference) return { ...difference, where: `output ${index + 1}, ${difference.where}` };
  }
  return undefined;
}

function compareOutput(stored: Output | undefined, fresh: Output | undefined): Difference | undefined {
  if (!stored || !fresh || kind(stored) !== kind(fresh)) {
    return { where: "kind", stored: stored ? kind(stored) : "(no output)", fresh: fresh ? kind(fresh) : "(no output)" };
  }
  if (stored.output_type === "stream") return compareText(stored.text, (fresh as typeof stored).text);
  if (stored.output_type === "error") {
    const now = fresh as typeof stored;
    return compareText(`${stored.ename}: ${stored.evalue}`, `${now.ename}: ${now.evalue}`);
  }
  for (const [mime, value] of Object.entries(stored.data)) {
    const now = (fresh as typeof stored).data[mime];
    const compare = mime === "text/html" || mime === "image/svg+xml" ? compareMarkup : compareText;
    const difference = compare(asText(value), asText(now));
    if (difference) return { ...difference, where: `${mime}, ${difference.where}` };
  }
  return undefined;
}

function kind(output: Output): string {
  if (output.output_type === "stream") return output.name;
  if (output.output_type === "error") return "error";
  return Object.keys(output.data).sort().join("+");
}

/** How a stream was cut into messages says nothing. */
function merge(outputs: Output[]): Output[] {
  const merged: Output[] = [];
  for (const output of outputs) {
    const last = merged.at(-1);
    if (output.output_type === "stream" && last?.output_type === "stream" && last.name === output.name) {
      merged[merged.length - 1] = { ...last, text: last.text + output.text };
    } else merged.push(output);
  }
  return merged;
}

function describe({ where, stored, fresh }: Difference): string {
  return `${where}: stored ${excerpt(stored, fresh)}, now ${excerpt(fresh, stored)}.`;
}

/** The part of a long text around its first difference from the other. */
function excerpt(text: string, other: string): string {
  let start = 0;
  while (start < text.length && text[start] === other[start]) start++;
  const from = Math.max(0, Math.min(start - 30, text.length - 100));
  const part = text.slice(from, from + 100);
  return JSON.stringify(`${from > 0 ? "…" : ""}${part}${from + 100 < text.length ? "…" : ""}`);
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
