/** `braid run --html`: executed notebooks as pages that need nothing beside them — code, outputs, figures inline. */
import { basename, join } from "node:path";
import { writeAtomically } from "../data/files.node.js";
import { durationText } from "../train/progress.js";
import { escapeHtml } from "./html.js";
import { type Notebook, readNotebook } from "./notebook.js";
import { anchorOf, notebookHtml, pageName, titleOf } from "./report-notebook.js";
import { page } from "./report-page.js";
import { isBad, type Outcome } from "./workbook.js";

/** Writes one page for each executed notebook into `folder`, and `index.html` that lists them. Returns the index's path. */
export function writeReport(folder: string, outcomes: readonly Outcome[]): string {
  for (const outcome of outcomes) {
    if (outcome.status === "not run") continue;
    writeAtomically(join(folder, pageName(outcome.path)), notebookPage(readNotebook(outcome.executed), outcome));
  }
  const index = join(folder, "index.html");
  writeAtomically(index, indexPage(outcomes));
  return index;
}

function indexPage(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map((outcome) => {
    const { path, status, seconds } = outcome;
    const name = escapeHtml(basename(path));
    const link = status === "not run" ? name : `<a href="${encodeURIComponent(pageName(path))}">${name}</a>`;
    const time = seconds > 0 ? durationText(seconds) : "";
    return `<tr class="${isBad(outcome) ? "bad" : "good"}"><td>${link}</td><td>${status}</td><td>${time}</td></tr>`;
  });
  const table = `<table><thead><tr><th>notebook</th><th>status</th><th>time</th></tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
  return page("braid workbook", `${outcomes.map(banner).join("")}<h1>braid workbook</h1>\n${table}`);
}

function notebookPage(notebook: Notebook, outcome: Outcome): string {
  const back = '<nav><a href="index.html">all notebooks</a></nav>';
  const cells = notebookHtml(notebook, outcome.failedCell);
  return page(titleOf(notebook) ?? basename(outcome.path), `${back}${banner(outcome)}${cells}`);
}

/** A failure must be seen before anything else, and be one click away. */
function banner(outcome: Outcome): string {
  if (!isBad(outcome)) return "";
  const anchor = outcome.failedCell === undefined ? "" : `#${anchorOf(outcome.failedCell)}`;
  const messages = outcome.messages.length > 0 ? outcome.messages : [`${outcome.path}: ${outcome.status}`];
  const items = messages.map((text) => {
    const words = escapeHtml(text);
    const page = `${encodeURIComponent(pageName(outcome.path))}${anchor}`;
    return outcome.status === "not run" ? `<li>${words}</li>` : `<li><a href="${page}">${words}</a></li>`;
  });
  return `<div class="banner" role="alert"><ul>${items.join("")}</ul></div>\n`;
}
