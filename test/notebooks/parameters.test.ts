import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { formatNotebook, parseNotebook } from "../../src/workbook/notebook.js";
import { declaredParameters, injectParameters, parseParameter } from "../../src/workbook/parameters.js";
import { runWorkbook } from "../../src/workbook/workbook.js";
import { notebook, notebookFolder, save } from "./fixture.js";

const declared = notebook([
  "// nothing",
  {
    source:
      'let scale: "recorded" | "smoke" = "recorded"; // which runs\nlet seeds = 3;\nlet tokens = 16_000_000\nlet quick = false;\nlet ratios = [\n  "1:1",\n  "1:5",\n];\nlet derived = seeds * 2;',
    tags: ["parameters"],
  },
  "seeds",
]);

describe("parameters", () => {
  it("are read with their defaults", () => {
    expect(declaredParameters(declared)).toEqual([
      { name: "scale", value: "recorded" },
      { name: "seeds", value: 3 },
      { name: "tokens", value: 16_000_000 },
      { name: "quick", value: false },
      { name: "ratios", value: undefined },
      { name: "derived", value: undefined },
    ]);
  });

  it("are assigned in a tagged cell after the parameters cell; injecting again replaces it", () => {
    const once = injectParameters(declared, { seeds: 5 }, "x.ipynb");
    expect(once.cells[2]).toMatchObject({ source: "seeds = 5;\nvoid 0;", metadata: { tags: ["injected-parameters"] } });
    const twice = injectParameters(once, { scale: "smoke" }, "x.ipynb");
    expect(twice.cells.map((cell) => cell.id)).toEqual(["c1", "c2", "injected-parameters", "c3"]);
    expect(twice.cells[2].source).toBe('scale = "smoke";\nvoid 0;');
  });

  it("keep the type that was declared", () => {
    const list = declaredParameters(declared);
    expect(parseParameter("seeds=5", list)).toEqual(["seeds", 5]);
    expect(parseParameter("scale=5", list)).toEqual(["scale", "5"]);
    expect(parseParameter('scale="smoke"', list)).toEqual(["scale", "smoke"]);
    expect(parseParameter("quick=true", list)).toEqual(["quick", true]);
    expect(parseParameter('ratios=["1:1"]', list)).toEqual(["ratios", ["1:1"]]);
    expect(() => parseParameter("seeds", list)).toThrow("--param takes name=value");
  });

  it("may not be const", () => {
    const cells = notebook([{ source: "const seeds = 3;", tags: ["parameters"] }]);
    expect(() => declaredParameters(cells)).toThrow('"seeds" is declared with const');
  });
});

describe("arguments of braid run", () => {
  const folder = notebookFolder();
  afterAll(folder.remove);
  const out = join(folder.path, "out");
  const source = { source: 'let scale = "recorded";\nlet seeds = 3;', tags: ["parameters"] };

  it("name the known parameters when one is unknown", async () => {
    const notebooks = [save(folder.path, "a.ipynb", [source]), save(folder.path, "b.ipynb", ["1"])];
    await expect(runWorkbook({ notebooks, params: ["sedes=4"], out })).rejects.toThrow(
      'a.ipynb has no parameter "sedes"; it has scale, seeds. b.ipynb has no parameter "sedes"; it has no cell tagged `parameters`.',
    );
  });

  it("refuse to check or store outputs of other parameters than the notebook's own", async () => {
    const notebooks = [save(folder.path, "a.ipynb", [source])];
    await expect(runWorkbook({ notebooks, scale: "smoke", check: true, out })).rejects.toThrow(
      '--check compares with the stored outputs, which were made with scale = "recorded" in a.ipynb, not "smoke".',
    );
    await expect(runWorkbook({ notebooks, params: ["seeds=1"], inPlace: true, out })).rejects.toThrow(
      "--in-place stores",
    );
  });

  it("say what is wrong with a file", async () => {
    await expect(runWorkbook({ notebooks: ["none.ipynb"], out })).rejects.toThrow("Cannot read the notebook");
    expect(() => parseNotebook({ nbformat: 3, cells: [] }, "x")).toThrow("x has nbformat 3");
    expect(() => parseNotebook({ nbformat: 4, cells: [{ cell_type: "cod" }] }, "x")).toThrow(
      'x, cell 1: cell_type must be "code", "markdown" or "raw", not "cod".',
    );
  });
});

it("a notebook keeps its content through reading and writing", () => {
  const text = formatNotebook(declared);
  expect(formatNotebook(parseNotebook(JSON.parse(text), "x"))).toBe(text);
});
