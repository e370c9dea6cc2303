/** The notebooks of `braid report`: what their stored outputs hold, and a page each. */
import { basename } from "node:path";
import { findings } from "../findings/index.js";
import { escapeHtml } from "./html.js";
import { type Cell, cellName, type Notebook, readNotebook, tagsOf } from "./notebook.js";
import { anchorOf, headingsOf, notebookHtml, pageName, titleOf } from "./report-notebook.js";
import { sitePage } from "./site-page.js";

export interface SiteNotebook {
  /** The file's name without its ending, e.g. "02-block-ratio". */
  name: string;
  title: string;
  /** The page in a link from the site's folder. */
  link: string;
  /** The page's file in the site's folder. */
  file: string;
  notebook: Notebook;
  /** Nothing where all cells have run; else why not, in a few words. */
  lack?: string;
  failedCell?: Cell;
  figures: number;
  tables: number;
}

/** @throws Error when a file is no notebook, or two have one name */
export function siteNotebooks(paths: readonly string[]): SiteNotebook[] {
  const taken = new Map<string, string>();
  return paths.map((path) => {
    const notebook = readNotebook(path);
    const name = basename(path, ".ipynb");
    const same = taken.get(name);
    if (same !== undefined) throw new Error(`${same} and ${path} have the same file name; report them apart.`);
    taken.set(name, path);
    const markup = notebook.cells.flatMap(displays);
    return {
      name,
      title: titleOf(notebook) ?? name,
      link: `notebooks/${encodeURIComponent(pageName(path))}`,
      file: `notebooks/${pageName(path)}`,
      notebook,
      ...state(notebook),
      figures: markup.filter((text) => /^\s*(?:<figure\b[^>]*>[\s\S]*)?<svg\b/.test(text) || text === "image").length,
      tables: markup.filter((text) => /^\s*<table\b/.test(text)).length,
    };
  });
}

/** The notebook of a finding, or of one of its studies (a run's `finding` names the study): else `NN-<finding>`. */
export function notebookOf(finding: string, notebooks: readonly SiteNotebook[]): SiteNotebook | undefined {
  const owner = findings.find(({ studies }) => studies.some((study) => study.name === finding));
  const own = notebooks.find(({ name }) => name === owner?.notebook);
  if (own) return own;
  const subject = ({ name }: SiteNotebook) => name.replace(/^\d+-/, "");
  const of = notebooks.filter((notebook) => `${finding}-`.startsWith(`${subject(notebook)}-`));
  return of.sort((a, b) => subject(b).length - subject(a).length)[0];
}

/** One page: the notebook with its contents above and its neighbours below. */
export function notebookPage(notebooks: readonly SiteNotebook[], index: number): string {
  const { notebook, title, lack, failedCell } = notebooks[index];
  const banner =
    lack === undefined
      ? ""
      : `<div class="banner" role="note">${failedCell ? `<a href="#${anchorOf(failedCell.id)}">${escapeHtml(lack)}</a>` : `This notebook is shown as it is stored: ${escapeHtml(lack)}.`}</div>`;
  const neighbour = (at: number, text: (title: string) => string) =>
    notebooks[at] ? `<a href="../${notebooks[at].link}">${text(escapeHtml(notebooks[at].title))}</a>` : "<span></span>";
  const around = `${neighbour(index - 1, (name) => `← ${name}`)}${neighbour(index + 1, (name) => `${name} →`)}`;
  return sitePage({
    title: `${title} · braid`,
    body: `${banner}<label class="code-switch"><input type="checkbox" id="show-code" checked> show the code</label>
${contents(notebook)}${notebookHtml(notebook, failedCell?.id)}
<nav class="around" aria-label="Notebooks before and after">${around}</nav>`,
    script: "figures",
    root: "../",
  });
}

function contents(notebook: Notebook): string {
  const links = notebook.cells.flatMap((cell) =>
    headingsOf(cell).map((heading) => `<li><a href="#${anchorOf(cell.id)}">${escapeHtml(heading)}</a></li>`),
  );
  return links.length < 3 ? "" : `<nav class="contents" aria-label="On this page"><ul>${links.join("")}</ul></nav>\n`;
}

function state(notebook: Notebook): Pick<SiteNotebook, "lack" | "failedCell"> {
  const cells = notebook.cells.filter((cell) => cell.cell_type === "code" && cell.source.trim() !== "");
  const ran = cells.filter((cell) => cell.execution_count != null || (cell.outputs ?? []).length > 0);
  const failedCell = cells.find(
    (cell) =>
      !tagsOf(cell).includes("raises-exception") && cell.outputs?.some(({ output_type }) => output_type === "error"),
  );
  if (failedCell) return { lack: `an error in ${cellName(notebook, failedCell)}`, failedCell };
  if (cells.length > 0 && ran.length === 0) return { lack: "not run, no outputs are stored" };
  return ran.length < cells.length ? { lack: `${ran.length} of ${cells.length} cells were run` } : {};
}

function displays({ outputs = [] }: Cell): string[] {
  return outputs.flatMap((output) => {
    if (output.output_type === "stream" || output.output_type === "error") return [];
    const markup = output.data["text/html"] ?? output.data["image/svg+xml"];
    if (typeof markup === "string") return [markup];
    return Object.keys(output.data).some((mime) => mime.startsWith("image/")) ? ["image"] : [];
  });
}
