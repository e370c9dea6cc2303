/** `braid report`: the whole workbook as a static site, from recorded runs and the outputs that notebooks store. */
import { join, resolve } from "node:path";
import { allVerdicts } from "../findings/summary.node.js";
import { packageStore, readStore } from "../runs/store.js";
import { allNotebooks } from "./checkout.js";
import { requireOwn, writeSite } from "./site-folder.js";
import { indexPage } from "./site-index.js";
import { notebookPage, siteNotebooks } from "./site-notebooks.js";
import { runsPage } from "./site-runs.js";

export interface SiteOptions {
  /** The site's folder: new, empty, or an earlier site. */
  out: string;
  /** Paths; all of `notebooks/*.ipynb` when empty. */
  notebooks?: readonly string[];
  /** Default: the runs that travel with the package. */
  store?: string;
}

export interface Site {
  /** Path of the first page. */
  index: string;
  claims: number;
  notebooks: number;
  runs: number;
}

/**
 * Writes index.html, runs.html and a page for each notebook. Nothing is trained or executed.
 * @throws Error when recorded runs are missing or were changed, a notebook cannot be read, or `out` is something else; then
 * nothing is written
 */
export function writeWorkbookSite({ out, notebooks: paths = [], store = packageStore }: SiteOptions): Site {
  requireOwn(out);
  const notebooks = siteNotebooks(paths.length > 0 ? paths.map((path) => resolve(path)) : allNotebooks());
  const findings = allVerdicts(store);
  const runs = readStore(store);
  const files = new Map([
    ["index.html", indexPage(findings, notebooks, runs)],
    ["runs.html", runsPage(runs, store)],
    ...notebooks.map(({ file }, index) => [file, notebookPage(notebooks, index)] as const),
  ]);
  const folder = writeSite(out, files);
  return {
    index: join(folder, "index.html"),
    claims: findings.reduce((sum, { verdicts }) => sum + verdicts.length, 0),
    notebooks: notebooks.length,
    runs: runs.length,
  };
}
