import { escapeHtml } from "./live.js";

/**
 * An HTML table for `tslab.display.html`, from rows as findings give them. Columns of numbers are aligned right; `null`
 * and missing values are empty cells. Numbers are printed as they are: round them before.
 *
 * @throws Error when a named column is in no row
 */
export function htmlTable(
  rows: readonly Record<string, string | number | boolean | null | undefined>[],
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
  const cell = (tag: "th" | "td", column: string, text: string) =>
    `<${tag} style="text-align:${numeric.has(column) ? "right" : "left"}">${escapeHtml(text)}</${tag}>`;
  const head = columns.map((column) => cell("th", column, column)).join("");
  const body = rows.map(
    (row) => `<tr>${columns.map((column) => cell("td", column, String(row[column] ?? ""))).join("")}</tr>\n`,
  );
  const caption = options.caption ? `<caption>${escapeHtml(options.caption)}</caption>\n` : "";
  return `<table style="font-variant-numeric:tabular-nums">\n${caption}<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join("")}</tbody>\n</table>`;
}
