/** The cells of an executed notebook as HTML: prose, code, and outputs with their figures inline. */
import { basename } from "node:path";
import { Marked } from "marked";
import { highlight } from "./highlight.js";
import { escapeHtml } from "./html.js";
import { mathExtensions } from "./math.js";
import type { Cell, Notebook, Output } from "./notebook.js";

const marked = new Marked({ extensions: mathExtensions });

/** All cells, each a section with the id `anchorOf(cell.id)`. */
export function notebookHtml(notebook: Notebook, failedCell?: string): string {
  let heading = titleOf(notebook) ?? "Figure";
  const cells = notebook.cells.map((cell) => {
    heading = headingsOf(cell).at(-1) ?? heading;
    return cellHtml(cell, cell.id === failedCell, heading);
  });
  return cells.join("\n");
}

/** The notebook's first heading. */
export function titleOf(notebook: Notebook): string | undefined {
  for (const { cell_type, source } of notebook.cells) {
    const heading = cell_type === "markdown" && /^#\s+(.+)$/m.exec(source)?.[1];
    if (heading) return plain(heading);
  }
  return undefined;
}

/** The texts of a markdown cell's headings below the title, in order. */
export function headingsOf({ cell_type, source }: Cell): string[] {
  if (cell_type !== "markdown") return [];
  const prose = source.replace(/^```[\s\S]*?^```/gm, "");
  return Array.from(prose.matchAll(/^##+\s+(.+)$/gm), ([, heading]) => plain(heading));
}

/** The file name of a notebook's page; in a link it must be encoded. */
export function pageName(path: string): string {
  return `${basename(path, ".ipynb")}.html`;
}

export function anchorOf(cellId: string): string {
  return `cell-${cellId.replace(/[^\w-]/g, "_")}`;
}

function cellHtml(cell: Cell, failed: boolean, heading: string): string {
  const id = anchorOf(cell.id);
  if (cell.cell_type === "markdown") return `<section id="${id}" class="prose">${markdown(cell.source)}</section>`;
  if (cell.cell_type === "raw") return `<section id="${id}"><pre>${escapeHtml(cell.source)}</pre></section>`;
  const run = cell.metadata.braid as { status?: string; seconds?: number } | undefined;
  const facts = [
    cell.execution_count ? `[${cell.execution_count}]` : "",
    run?.status === "ok" ? "" : (run?.status ?? ""),
  ];
  if (run?.seconds !== undefined && run.seconds >= 0.1) facts.push(`${run.seconds.toFixed(1)} s`);
  const outputs = (cell.outputs ?? []).map((output) => outputHtml(output, heading));
  return (
    `<section id="${id}" class="code${failed ? " failed" : ""}"><div class="facts">${facts.filter(Boolean).join(" · ")}</div>` +
    `<pre class="source">${highlight(cell.source)}</pre>${outputs.join("\n")}</section>`
  );
}

function outputHtml(output: Output, heading: string): string {
  if (output.output_type === "stream") return `<pre class="output ${output.name}">${escapeHtml(output.text)}</pre>`;
  if (output.output_type === "error") {
    const message = escapeHtml(`${output.ename}: ${output.evalue}`);
    return `<pre class="output error"><strong>${message}</strong>\n${escapeHtml(output.traceback.join("\n"))}</pre>`;
  }
  return `<div class="output display">${displayHtml(output.data, heading)}</div>`;
}

/** The richest form that a page can show. A figure without a name of its own is called after the heading it stands under. */
function displayHtml(data: Record<string, unknown>, heading: string): string {
  const text = (mime: string) => (typeof data[mime] === "string" ? (data[mime] as string) : undefined);
  const name = escapeHtml(heading);
  const markup = text("text/html") ?? text("image/svg+xml");
  if (markup !== undefined) {
    return markup.replace(/^\s*<svg\b(?![^>]*\saria-label=)/, `<svg role="img" aria-label="${name}"`);
  }
  for (const mime of ["image/png", "image/jpeg", "image/gif"]) {
    const base64 = text(mime)?.replaceAll("\n", "");
    if (base64) return `<img alt="${name}" src="data:${mime};base64,${base64}">`;
  }
  const prose = text("text/markdown");
  if (prose !== undefined) return markdown(prose);
  const [mime, value] = Object.entries(data)[0] ?? ["", ""];
  return `<pre>${escapeHtml(typeof value === "string" ? value : `${mime} ${JSON.stringify(value, null, 2)}`)}</pre>`;
}

function markdown(source: string): string {
  return marked.parse(source, { async: false });
}

function plain(heading: string): string {
  return heading.replace(/[`*_]/g, "").trim();
}
