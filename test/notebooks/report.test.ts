import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { figureDocument } from "../../src/workbook/figure.js";
import { highlight } from "../../src/workbook/highlight.js";
import { type Cell, writeNotebook } from "../../src/workbook/notebook.js";
import { writeReport } from "../../src/workbook/report.js";
import type { Outcome } from "../../src/workbook/workbook.js";
import { notebook } from "./fixture.js";

const folder = mkdtempSync(join(tmpdir(), "braid-report-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const outcome = (name: string, more: Partial<Outcome>): Outcome => ({
  path: `notebooks/${name}.ipynb`,
  executed: join(folder, `${name}.ipynb`),
  status: "ok",
  seconds: 12,
  messages: [],
  ...more,
});

function page(name: string): Document {
  const { DOMParser } = figureDocument().defaultView!;
  return new DOMParser().parseFromString(readFileSync(join(folder, "html", name), "utf8"), "text/html");
}

beforeAll(() => {
  const executed = notebook(["let x = 1 < 2;", "fail();"]);
  const prose: Cell = { cell_type: "markdown", id: "m1", source: "# The *costs*\n\n| a |\n|---|\n| 1 |", metadata: {} };
  executed.cells.unshift(prose);
  executed.cells[1].outputs = [
    { output_type: "stream", name: "stdout", text: "a < b\n" },
    { output_type: "display_data", data: { "text/html": "<svg id='drawn'></svg>" }, metadata: {} },
    { output_type: "display_data", data: { "image/png": "iVBORw0KGgo=\n" }, metadata: {} },
  ];
  executed.cells[2].outputs = [
    { output_type: "error", ename: "Error", evalue: "no <b>", traceback: ["Error: no <b>"] },
  ];
  writeNotebook(join(folder, "bad.ipynb"), executed);
  writeNotebook(join(folder, "good.ipynb"), notebook(["1"]));
  const failed = {
    status: "failed",
    failedCell: "c2",
    messages: ["notebooks/bad.ipynb, cell 3: Error: no <b>"],
  } as const;
  const index = writeReport(join(folder, "html"), [
    outcome("good", {}),
    outcome("bad", { ...failed, messages: [...failed.messages] }),
  ]);
  expect(index).toBe(join(folder, "html", "index.html"));
});

describe("the HTML report", () => {
  it("has a red banner, on the index and on the page, that links to the failing cell", () => {
    for (const name of ["index.html", "bad.html"]) {
      const link = page(name).querySelector(".banner a")!;
      expect(link.textContent).toBe("notebooks/bad.ipynb, cell 3: Error: no <b>");
      const [target, anchor] = link.getAttribute("href")!.split("#");
      expect(page(target).getElementById(anchor)!.textContent).toContain("fail();");
    }
    expect(page("good.html").querySelector(".banner")).toBeNull();
  });

  it("lists all notebooks with their status", () => {
    const rows = Array.from(page("index.html").querySelectorAll("tbody tr"), (row) =>
      Array.from(row.children, (cell) => cell.textContent),
    );
    expect(rows).toEqual([
      ["good.ipynb", "ok", "12 s"],
      ["bad.ipynb", "failed", "12 s"],
    ]);
  });

  it("shows prose, code, texts, figures and images inline, and needs nothing beside it", () => {
    const shown = page("bad.html");
    expect(shown.title).toBe("The costs");
    expect(shown.querySelector(".prose h1 em")!.textContent).toBe("costs");
    expect(shown.querySelector(".prose td")!.textContent).toBe("1");
    expect(shown.querySelector(".source")!.textContent).toBe("let x = 1 < 2;");
    expect(shown.querySelector(".stdout")!.textContent).toBe("a < b\n");
    expect(shown.querySelector(".display svg#drawn")).not.toBeNull();
    expect(shown.querySelector(".display img")!.getAttribute("src")).toBe("data:image/png;base64,iVBORw0KGgo=");
    expect(shown.querySelector(".error strong")!.textContent).toBe("Error: no <b>");
    expect(shown.querySelectorAll("script, link[rel=stylesheet]")).toHaveLength(0);
    expect(shown.querySelector("style")!.textContent).toContain("prefers-color-scheme:dark");
  });
});

it("highlights comments, strings, numbers and keywords, and changes no text", () => {
  const source = 'const a = "if"; // let 3\nreturn `x` < 2e3;';
  const html = highlight(source);
  expect(html).toContain('<span class="k">const</span> a = <span class="s">&quot;if&quot;</span>;');
  expect(html).toContain('<span class="c">// let 3</span>\n<span class="k">return</span>');
  expect(html).toContain('&lt; <span class="n">2e3</span>;');
  const holder = figureDocument().createElement("pre");
  holder.innerHTML = html;
  expect(holder.textContent).toBe(source);
});
