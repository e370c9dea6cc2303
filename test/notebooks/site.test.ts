import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allVerdicts, findingsRows } from "../../src/findings/summary.node.js";
import { packageStore, readStore } from "../../src/runs/store.js";
import { columns, type PackedRows, short, unpack } from "../../src/workbook/browser/run-rows.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { type Notebook, writeNotebook } from "../../src/workbook/notebook.js";
import { writeWorkbookSite } from "../../src/workbook/site.js";
import { checkout, notebook } from "./fixture.js";

const folder = mkdtempSync(join(tmpdir(), "braid-site-"));
const out = join(folder, "site");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = (name: string) => readFileSync(join(out, name), "utf8");
const page = (name: string): Document =>
  new (figureDocument().defaultView!.DOMParser)().parseFromString(text(name), "text/html");
const texts = (of: Document | Element, selector: string) =>
  Array.from(of.querySelectorAll(selector), (element) => (element.textContent ?? "").trim());

/** A notebook with outputs, one without, one that failed and one that stopped half way. */
function notebooks(): string[] {
  const made = (name: string, change: (made: Notebook) => void) => {
    const result = notebook(["first();", "second();"]);
    change(result);
    writeNotebook(join(folder, `${name}.ipynb`), result);
    return join(folder, `${name}.ipynb`);
  };
  const ran = (result: Notebook, count: number) => {
    for (const [index, cell] of result.cells.slice(0, count).entries()) cell.execution_count = index + 1;
  };
  return [
    made("02-block-ratio", (result) => {
      ran(result, 2);
      const prose = "# Ratios\n\n## One\n\n## Two\n\n## Three\n\n$x_1$";
      result.cells.unshift({ cell_type: "markdown", id: "m", source: prose, metadata: {} });
      const markup = "<svg width='300' height='200'><script>alert(1)</script></svg>";
      result.cells[1].outputs = [{ output_type: "display_data", data: { "text/html": markup }, metadata: {} }];
    }),
    made("blank & new", () => {}),
    made("half", (result) => ran(result, 1)),
    made("wrong", (result) => {
      ran(result, 1);
      result.cells[0].outputs = [{ output_type: "error", ename: "Error", evalue: "no", traceback: [] }];
    }),
  ];
}

let paths: string[];
beforeAll(() => {
  paths = notebooks();
  const site = writeWorkbookSite({ out, notebooks: paths });
  expect(site).toEqual({
    index: join(out, "index.html"),
    claims: findingsRows().length,
    notebooks: 4,
    runs: readStore(packageStore).length,
  });
});

describe("the first page", () => {
  it("has each claim with its outcome, and links to the notebook of its finding", () => {
    const index = page("index.html");
    const rows = findingsRows();
    expect(texts(index, ".verdicts .claim")).toEqual(rows.map(({ claim }) => claim));
    expect(texts(index, ".verdicts .badge")).toEqual(rows.map(({ outcome }) => outcome));
    const link = Array.from(index.querySelectorAll(".verdicts .finding a")).find(
      (a) => a.textContent === "block-ratio",
    );
    expect(link?.getAttribute("href")).toBe("notebooks/02-block-ratio.html");
    const all = texts(index, ".tally .badge").map((outcome) => Number.parseInt(outcome, 10));
    expect(all.reduce((sum, count) => sum + count)).toBe(rows.length);
    expect(texts(index, ".parts td").some((bounds) => /^\[−0\.\d+, [−+]0\.\d+\]$/.test(bounds))).toBe(true);
  });

  it("lists notebooks, and says which have not run, or not well", () => {
    const items = Array.from(page("index.html").querySelectorAll(".notebooks li"), (item) => [
      item.querySelector("a")?.getAttribute("href"),
      item.querySelector(".note")?.textContent,
    ]);
    expect(items).toEqual([
      ["notebooks/02-block-ratio.html", "1 figure"],
      ["notebooks/blank%20%26%20new.html", "not run, no outputs are stored"],
      ["notebooks/half.html", "1 of 2 cells were run"],
      ["notebooks/wrong.html", "an error in cell 1 (first();)"],
    ]);
    expect(page("notebooks/wrong.html").querySelector(".banner a")?.getAttribute("href")).toBe("#cell-c1");
    expect(page("notebooks/half.html").querySelector(".banner")?.textContent).toContain("1 of 2 cells were run");
    expect(page("notebooks/02-block-ratio.html").querySelector(".banner")).toBeNull();
  });

  it("adds up runs, tokens and GPU minutes of each finding", () => {
    const runs = readStore(packageStore);
    const scale = page("index.html").querySelector('table[aria-label="Runs, tokens and minutes: runs of the study"]')!;
    // Of each finding as its notebook says it.
    const own = page("index.html").querySelector('table[aria-label="Runs, tokens and minutes: finding"]')!;
    const withRuns = allVerdicts().filter((finding) => finding.runs.length > 0);
    expect(texts(own, "tbody tr th")).toEqual(withRuns.map(({ finding }) => finding));
    expect(texts(own, "tbody td:nth-child(2)")).toEqual(withRuns.map((finding) => String(finding.runs.length)));
    const findings = [...new Set(runs.map(({ finding }) => finding))];
    expect(texts(scale, "tbody tr th")).toEqual(findings);
    const [count, , , , tokens, minutes] = texts(scale, "tfoot .number");
    expect(count).toBe(String(runs.length));
    // By hand: what a run took over was another's work, and one that was resumed has its last session alone as wall time.
    let [trained, seconds] = [0, 0];
    for (const { result, provenance } of runs) {
      const own = (result.steps - (result.shared ?? 0)) / result.steps;
      trained += result.tokens * own;
      seconds += Math.max(provenance.wallSeconds, result.seconds * own) / (provenance.sideBySide ?? 1);
    }
    expect(tokens).toBe(short(trained));
    expect(short(trained)).not.toBe(short(runs.reduce((sum, { result }) => sum + result.tokens, 0)));
    expect(Number(minutes)).toBeCloseTo(seconds / 60, 1);
  });
});

describe("the page of runs", () => {
  it("holds every run with the command that makes it anew, naming no folder of this machine", () => {
    const data = page("runs.html").querySelector("#runs-data")!.textContent!;
    const rows = unpack(JSON.parse(data) as PackedRows);
    const runs = readStore(packageStore);
    expect(rows.map(({ id }) => id)).toEqual(runs.map(({ id }) => id));
    expect(rows[3]).toMatchObject({ finding: runs[3].finding, label: runs[3].label, tokens: runs[3].result.tokens });
    expect(rows[3].perToken).toBeCloseTo(runs[3].result.validation.nllPerToken, 5);
    for (const { command, finding, id } of rows) expect(command).toContain(`--spec data/runs/${finding}/${id}.json`);
    expect(data).not.toContain(checkout);
    expect(texts(page("runs.html"), "#runs th button")).toEqual(columns.map(({ heading }) => heading));
    expect(Buffer.byteLength(data) / runs.length, "bytes a run").toBeLessThan(250);
  });
});

describe("every page", () => {
  const all = () => readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"));

  it("loads nothing, and lets no script run but its own", () => {
    expect(all()).toHaveLength(6);
    for (const name of all()) {
      const of = page(name);
      for (const element of of.querySelectorAll("[src], link[href], object, iframe"))
        expect(element.getAttribute("src") ?? element.getAttribute("href"), name).toMatch(/^data:/);
      const policy = of.querySelector("meta[http-equiv]")!.getAttribute("content")!;
      const own = Array.from(of.querySelectorAll("body > script")).at(-1)!.textContent!;
      expect(policy).toContain(`script-src 'sha256-${createHash("sha256").update(own).digest("base64")}'`);
    }
  });

  it("has landmarks, one first heading where its notebook has one, and links that lead somewhere", () => {
    for (const name of all()) {
      const of = page(name);
      for (const landmark of ["header", "nav[aria-label]", "main#main", "footer", "a.skip[href='#main']"])
        expect(of.querySelector(landmark), `${name}: ${landmark}`).not.toBeNull();
      for (const link of of.querySelectorAll("a[href]")) {
        const href = link.getAttribute("href")!;
        if (/^https?:/.test(href)) continue;
        const [path, anchor] = href.split("#");
        const target =
          decodeURIComponent(
            new URL(path || "", `file:///${encodeURI(name).replaceAll("&", "%26")}`).pathname.slice(1),
          ) || name;
        expect(existsSync(join(out, target)), `${name}: ${href}`).toBe(true);
        if (anchor && target !== "runs.html")
          expect(page(target).getElementById(anchor), `${name}: ${href}`).not.toBeNull();
      }
    }
    expect(texts(page("notebooks/02-block-ratio.html"), "h1")).toEqual(["Ratios"]);
    expect(texts(page("notebooks/02-block-ratio.html"), ".contents a")).toEqual(["One", "Two", "Three"]);
  });

  it("names figures that have no name after the heading above them", () => {
    const figure = page("notebooks/02-block-ratio.html").querySelector(".display svg")!;
    expect(figure.getAttribute("aria-label")).toBe("Three");
    expect(figure.getAttribute("role")).toBe("img");
  });
});

describe("the folder of the site", () => {
  it("is replaced whole, and nothing stays beside it", () => {
    writeWorkbookSite({ out, notebooks: paths.slice(0, 1) });
    expect(readdirSync(join(out, "notebooks"))).toEqual(["02-block-ratio.html"]);
    writeWorkbookSite({ out, notebooks: paths });
    expect(readdirSync(folder).filter((name) => name.startsWith("site"))).toEqual(["site"]);
  });

  it("is refused where it is something else, or holds something else", () => {
    const other = join(folder, "other");
    mkdirSync(other);
    writeWorkbookSite({ out: other, notebooks: paths });
    writeFileSync(join(other, "notes.txt"), "mine");
    expect(() => writeWorkbookSite({ out: other, notebooks: paths })).toThrow(/^\S+ also holds notes\.txt, which/);
    rmSync(join(other, "braid-site.json"));
    expect(() => writeWorkbookSite({ out: other, notebooks: paths })).toThrow(/is not a site that braid report wrote/);
    expect(() => writeWorkbookSite({ out: paths[0], notebooks: paths })).toThrow(/is not a folder/);
    expect(readFileSync(join(other, "notes.txt"), "utf8")).toBe("mine");
  });

  it("may be a link", () => {
    const link = join(folder, "link");
    symlinkSync(out, link, "junction");
    writeWorkbookSite({ out: link, notebooks: paths });
    expect(existsSync(join(out, "index.html"))).toBe(true);
    expect(readFileSync(join(link, "index.html"), "utf8")).toBe(text("index.html"));
  });
});

it("says what is wrong with runs and notebooks, and then writes nothing", () => {
  const store = join(folder, "store");
  const nowhere = join(folder, "nowhere");
  const write = (more = {}) => writeWorkbookSite({ out: nowhere, notebooks: paths, store, ...more });
  expect(() => write()).toThrow(/recorded runs of \S+ are missing: /);
  cpSync(packageStore, store, { recursive: true });
  const file = join(store, "block-ratio", readdirSync(join(store, "block-ratio"))[0]);
  writeFileSync(file, readFileSync(file, "utf8").replace(/"trainLoss": /, '"trainLoss": 1'));
  expect(() => write()).toThrow(/was changed after the run/);
  expect(() => write({ store: undefined, notebooks: [join(folder, "none.ipynb")] })).toThrow(
    /Cannot read the notebook/,
  );
  expect(() => write({ store: undefined, notebooks: [paths[0], paths[0]] })).toThrow(/have the same file name/);
  expect(existsSync(nowhere)).toBe(false);
});

it("is a command", () => {
  const there = join(folder, "told");
  const main = join(checkout, "dist", "cli", "main.js");
  const printed = execFileSync(process.execPath, [main, "report", "--out", there, "--notebooks", ...paths], {
    encoding: "utf8",
  });
  expect(printed).toMatch(/^report: .*index\.html \(claims: \d+, notebooks: 4, runs: \d+\)\n$/);
  expect(existsSync(join(there, "runs.html"))).toBe(true);
});
