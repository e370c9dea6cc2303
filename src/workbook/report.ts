/** `braid run --html`: executed notebooks as pages that need nothing beside them — code, outputs, figures inline. */
import { basename, join } from "node:path";
import { marked } from "marked";
import { writeAtomically } from "../data/files.node.js";
import { durationText } from "../train/progress.js";
import { highlight } from "./highlight.js";
import { escapeHtml } from "./live.js";
import { type Cell, type Notebook, type Output, readNotebook } from "./notebook.js";
import { pageStyle } from "./report-style.js";
import type { Outcome } from "./workbook.js";

/** Writes one page for each executed notebook into `folder`, and `index.html` that lists them. Returns the index's path. */
export function writeReport(folder: string, outcomes: readonly Outcome[]): string {
  for (const outcome of outcomes) {
    writeAtomically(join(folder, pageName(outcome)), notebookPage(readNotebook(outcome.executed), outcome));
  }
  const index = join(folder, "index.html");
  writeAtomically(index, indexPage(outcomes));
  return index;
}

function indexPage(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => {
    const { path, status, seconds } = outcome;
    const link = `<a href="${pageName(outcome)}">${escapeHtml(basename(path))}</a>`;
    const time = seconds > 0 ? durationText(seconds) : "";
    return `<tr class="${isBad(outcome) ? "bad" : "good"}"><td>${link}</td><td>${status}</td><td>${time}</td></tr>`;
  });
  const table = `<table><thead><tr><th>notebook</th><th>status</th><th>time</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
  return page("braid workbook", `${outcomes.map(banner).join("")}<h1>braid workbook</h1>\n${table}`);
}

function notebookPage(notebook: Notebook, outcome: Outcome): string {
  const cells = notebook.cells.map((cell) => cellHtml(cell, cell.id === outcome.failedCell));
  const back = '<nav><a href="index.html">all notebooks</a></nav>';
  return page(title(notebook) ?? basename(outcome.path), `${back}${banner(outcome)}${cells.join("\n")}`);
}

/** A failure must be seen before anything else, and be one click away. */
function banner(outcome: Outcome): string {
  if (!isBad(outcome)) return "";
  const anchor = outcome.failedCell === undefined ? "" : `#${anchorOf(outcome.failedCell)}`;
  const messages = outcome.messages.length > 0 ? outcome.messages : [`${outcome.path}: ${outcome.status}`];
  const items = messages.map((text) => `<li><a href="${pageName(outcome)}${anchor}">${escapeHtml(text)}</a></li>`);
  return `<div class="banner" role="alert"><ul>${items.join("")}</ul></div>\n`;
}

function cellHtml(cell: Cell, failed: boolean): string {
  const id = anchorOf(cell.id);
  if (cell.cell_type === "markdown") return `<section id="${id}" class="prose">${markdown(cell.source)}</section>`;
  if (cell.cell_type === "raw") return `<section id="${id}"><pre>${escapeHtml(cell.source)}</pre></section>`;
  const run = cell.metadata.braid as { status?: string; seconds?: number } | undefined;
  const facts = [
    cell.execution_count ? `[${cell.execution_count}]` : "",
    run?.status === "ok" ? "" : (run?.status ?? ""),
  ];
  if (run?.seconds !== undefined && run.seconds >= 0.1) facts.push(`${run.seconds.toFixed(1)} s`);
  return (
    `<section id="${id}" class="code${failed ? " failed" : ""}"><div class="facts">${facts.filter(Boolean).join(" · ")}</div>` +
    `<pre class="source">${highlight(cell.source)}</pre>${(cell.outputs ?? []).map(outputHtml).join("\n")}</section>`
  );
}

function outputHtml(output: Output): string {
  if (output.output_type === "stream") return `<pre class="output ${output.name}">${escapeHtml(output.text)}</pre>`;
  if (output.output_type === "error") {
    const heading = escapeHtml(`${output.ename}: ${output.evalue}`);
    return `<pre class="output error"><strong>${heading}</strong>\n${escapeHtml(output.traceback.join("\n"))}</pre>`;
  }
  return `<div class="output display">${displayHtml(output.data)}</div>`;
}

/** The richest form that a page can show. */
function displayHtml(data: Record<string, unknown>): string {
  const text = (mime: string) => (typeof data[mime] === "string" ? (data[mime] as string) : undefined);
  const markup = text("text/html") ?? text("image/svg+xml");
  if (markup !== undefined) return markup;
  for (const mime of ["image/png", "image/jpeg", "image/gif"]) {
    const base64 = text(mime)?.replaceAll("\n", "");
    if (base64) return `<img alt="" src="data:${mime};base64,${base64}">`;
  }
  const prose = text("text/markdown");
  if (prose !== undefined) return markdown(prose);
  const [mime, value] = Object.entries(data)[0] ?? ["", ""];
  return `<pre>${escapeHtml(typeof value === "string" ? value : `${mime} ${JSON.stringify(value, null, 2)}`)}</pre>`;
}

function markdown(source: string): string {
  return marked.parse(source, { async: false });
}

function page(heading: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(heading)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

function title(notebook: Notebook): string | undefined {
  for (const { cell_type, source } of notebook.cells) {
    const heading = cell_type === "markdown" && /^#\s+(.+)$/m.exec(source)?.[1];
    if (heading) return heading.replace(/[`*_]/g, "");
  }
  return undefined;
}

function pageName(outcome: Outcome): string {
  return `${encodeURIComponent(basename(outcome.path, ".ipynb"))}.html`;
}

function anchorOf(cellId: string): string {
  return `cell-${cellId.replace(/[^\w-]/g, "_")}`;
}

function isBad({ status }: Outcome): boolean {
  return status === "failed" || status === "differs" || status === "interrupted";
}
