/**
 * Notebooks import the package by name, with its types: in this checkout, and in a project elsewhere that installed what
 * `npm pack` makes. Each in a real tslab kernel; the installed package runs its own `braid run`.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readNotebook } from "../../src/workbook/notebook.js";
import { type CellSpec, checkout, notebookFolder, save } from "../notebooks/fixture.js";

const cells: CellSpec[] = [
  'import { cost, preset } from "braid-lm";\nimport * as workbook from "braid-lm/workbook";',
  'const config = preset("1b", { pattern: "T".repeat(16) });\nconst counted = cost(config, { context: 8192, tokens: 60e9 });\nconst bytes: number = counted.cacheBytes;\nconsole.log(config.dModel, bytes > 0);',
  'console.log(workbook.architectureOf("MMMT"), workbook.htmlTable([{ a: 1 }]).length > 0);',
  'import * as Plot from "@observablehq/plot";\nconst plot = Plot.plot({ document: workbook.figureDocument(), marks: [Plot.dot([[1, 2]])] });\nworkbook.saveFigure("dots", plot).startsWith("<svg");',
  { source: 'cost(config, { context: "8k", tokens: 60e9 });', tags: ["raises-exception"] },
  { source: "workbook.saveFigure(3);", tags: ["raises-exception"] },
];

/** Runs the notebook with the given `braid` and checks what its cells printed and which misuse was reported. */
function checkNotebook(folder: string, cli: string): void {
  const path = save(folder, "import.ipynb", cells);
  const run = spawnSync(process.execPath, [cli, "run", path, "--out", join(folder, "out")], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(run.stderr).toBe("");
  expect(run.status).toBe(0);
  expect(readdirSync(join(folder, "out", "figures", "import"))).toEqual(["dots.png", "dots.svg"]);
  const outputs = readNotebook(join(folder, "out", "import.ipynb")).cells.map((cell) => cell.outputs);
  expect(outputs.slice(0, 4)).toEqual([
    [],
    [{ output_type: "stream", name: "stdout", text: "2048 true\n" }],
    [{ output_type: "stream", name: "stdout", text: "inter true\n" }],
    [{ output_type: "stream", name: "stdout", text: "true\n" }],
  ]);
  expect(outputs[4]).toMatchObject([
    { ename: "TypeScriptError", evalue: expect.stringContaining("Type 'string' is not assignable to type 'number'") },
  ]);
  expect(outputs[5]).toMatchObject([
    { ename: "TypeScriptError", evalue: expect.stringContaining("Expected 2-3 arguments") },
  ]);
}

describe("a notebook that imports the package by name", () => {
  it("finds it, with types, in this checkout", () => {
    const folder = notebookFolder();
    try {
      checkNotebook(folder.path, join(checkout, "dist/cli/main.js"));
    } finally {
      folder.remove();
    }
  });

  it("finds it, with types, where it was installed from npm pack", { timeout: 300_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), "braid-install-"));
    const npm = (args: string[], cwd: string) =>
      execFileSync("npm", args, {
        cwd,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        shell: process.platform === "win32",
      });
    try {
      const packed = npm(["pack", "--ignore-scripts", "--json", "--pack-destination", folder], checkout);
      const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
      writeFileSync(join(folder, "package.json"), '{ "name": "elsewhere", "private": true }\n');
      npm(["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", `./${filename}`], folder);
      checkNotebook(folder, join(folder, "node_modules/braid-lm/dist/cli/main.js"));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
