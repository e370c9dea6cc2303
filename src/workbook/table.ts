import { escapeHtml } from "./html.js";

type Cell = string | number | boolean | null | undefined;

/** Digits behind the point as the number prints; none for such as 1e21. */
function decimalsOf(value: Cell): number {
  const text = typeof value === "number" ? String(value) : "";
  return text.includes("e") ? 0 : (text.split(".")[1]?.length ?? 0);
}

/** "0.0201 ± 0.0066", of a mean and the half-width of its interval; the mean alone where there is none, nothing without a mean. */
export function plusMinus(mean: Cell, half: Cell): string {
  const digits = (value: Cell) => (typeof value === "number" ? value.toFixed(4) : "");
  return typeof half === "number" ? `${digits(mean)} ± ${digits(half)}` : digits(mean);
}

/** A row's name of more characters than these may wrap. */
const longestName = 40;

/**
 * An HTML table for `tslab.display.html`, from rows as findings give them. Columns of numbers are aligned right; `null`
 * and missing values are empty cells. Numbers are printed as they are (round them before), with as many decimals as the longest of their column.
 * The first column's texts stay on one line, unless they are sentences; so does a number with its ± part.
 *
 * @throws Error when a named column is in no row
 */
export function htmlTable(
  rows: readonly Record<string, Cell>[],
  options: {
    /** Which columns, in this order; default: those of the rows. */ columns?: string[];
    caption?: string;
  } = {},
): string {
  const known = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = options.columns ?? known;
  for (const column of columns) {
    if (rows.length > 0 && !known.includes(column)) {
      throw new Error(`The table has no column "${column}"; it has ${known.join(", ")}.`);
    }
  }
  const numeric = new Set(
    columns.filter((column) => rows.every((row) => row[column] == null || typeof row[column] === "number")),
  );
  const decimals = new Map(
    [...numeric].map((column) => [column, Math.max(...rows.map((row) => decimalsOf(row[column])))]),
  );
  const textOf = (column: string, value: Cell) =>
    typeof value === "number" && decimals.has(column) && Math.abs(value) < 1e15
      ? value.toFixed(decimals.get(column))
      : String(value ?? "").replaceAll(" ± ", "\u00a0±\u00a0");
  // Names of rows stay on one line, where they are names.
  const [first] = columns;
  const names = rows.map((row) => textOf(first, row[first]));
  const named = names.every((name) => name.length <= longestName) && names.some((name) => /\s/.test(name));
  const cell = (tag: "th" | "td", column: string, text: string) => {
    const line = tag === "td" && column === first && named ? ";white-space:nowrap" : "";
    return `<${tag} style="text-align:${numeric.has(column) ? "right" : "left"}${line}">${escapeHtml(text)}</${tag}>`;
  };
  const head = columns.map((column) => cell("th", column, column)).join("");
  const body = rows.map(
    (row) => `<tr>${columns.map((column) => cell("td", column, textOf(column, row[column]))).join("")}</tr>\n`,
  );
  const caption = options.caption ? `<caption>${escapeHtml(options.caption)}</caption>\n` : "";
  return `<table style="font-variant-numeric:tabular-nums">\n${caption}<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join("")}</tbody>\n</table>`;
}
