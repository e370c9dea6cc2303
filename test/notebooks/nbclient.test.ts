/** The same notebook through nbclient, the executor behind `jupyter execute`, and through ours: the outputs agree. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installKernelspec } from "../../src/workbook/kernelspec.js";
import { type Notebook, readNotebook } from "../../src/workbook/notebook.js";
import { runWorkbook } from "../../src/workbook/workbook.js";
import { checkout, notebookFolder, save } from "./fixture.js";

const python = process.env.BRAID_PYTHON ?? "python3";
const present = spawnSync(python, ["-c", "import nbclient"]).status === 0;
if (!present) {
  console.warn(
    `nbclient test skipped: ${python} has no nbclient; pip install nbclient, or set BRAID_PYTHON to a Python that has it.`,
  );
}

const folder = notebookFolder();
afterAll(folder.remove);

const script = `
import os, sys, nbformat
from nbclient import NotebookClient
source, target, kernel = sys.argv[1:]
notebook = nbformat.read(source, as_version=4)
nbformat.validate(notebook)
client = NotebookClient(notebook, timeout=60, kernel_name=kernel, allow_errors=True)
client.execute(cwd=os.path.dirname(source))
nbformat.write(notebook, target)
`;

/** What each cell printed (how streams were cut says nothing) and displayed. */
function outputs({ cells }: Notebook) {
  return cells.map((cell) => {
    const shown = cell.outputs ?? [];
    const text = (name: string) =>
      shown.map((output) => (output.output_type === "stream" && output.name === name ? output.text : "")).join("");
    const displays = shown.flatMap((output) => (output.output_type === "display_data" ? [output.data] : []));
    return { count: cell.execution_count, stdout: text("stdout"), stderr: text("stderr"), displays };
  });
}

/** Two kernels for nbclient: tslab's own as it installs itself ("plain"), and the one that `braid kernel` installs. */
function installKernels(data: string): void {
  const plain = join(data, "kernels", "plain");
  mkdirSync(plain, { recursive: true });
  const tslab = join(checkout, "node_modules/tslab/bin/tslab");
  const argv = [process.execPath, tslab, "kernel", "--config-path", "{connection_file}"];
  writeFileSync(join(plain, "kernel.json"), JSON.stringify({ argv, display_name: "plain", language: "typescript" }));
  expect(installKernelspec(data)).toEqual({ folder: join(data, "kernels", "tslab"), ours: true });
}

describe.skipIf(!present)("nbclient and braid run agree", () => {
  const jupyter = join(folder.path, "jupyter");
  let path: string;
  let executed: Notebook;

  beforeAll(async () => {
    installKernels(jupyter);
    path = save(folder.path, "both.ipynb", [
      { source: "let seeds = 3;", tags: ["parameters"] },
      'import * as tslab from "tslab";\nimport { htmlTable, saveFigure } from "braid-lm/workbook";',
      'console.log("seeds", seeds);\nconsole.error("careful");\n[1, 2, 3].map((x) => x * seeds)',
      'tslab.display.html(htmlTable([{ ratio: "1:5", loss: 3.2 }]));\ntslab.display.markdown("**done**");',
      'const shown = tslab.newDisplay();\nshown.text("first");\nshown.text("second");',
      'tslab.display.svg(saveFigure("both", `<svg width="20" height="10"><text x="1" y="9">α</text></svg>`));',
      "const later = await new Promise<string>((done) => setTimeout(() => done(`ü`), 20));\nlater",
      { source: 'throw new RangeError("stop");', tags: ["raises-exception"] },
    ]);
    const out = join(folder.path, "out");
    const [outcome] = await runWorkbook({ notebooks: [path], out });
    expect(outcome).toMatchObject({ status: "ok", messages: [] });
    executed = readNotebook(join(out, "both.ipynb"));
  });

  it.each(["plain", "tslab"])("with the kernel %s", (kernel) => {
    const target = join(folder.path, `${kernel}.ipynb`);
    execFileSync(python, ["-c", script, path, target, kernel], {
      env: { ...process.env, JUPYTER_PATH: jupyter, BRAID_FIGURES: join(folder.path, "figures") },
      stdio: "pipe",
    });
    const ours = outputs(executed);
    const theirs = outputs(readNotebook(target));
    // tslab only prints errors: nbclient leaves that text on stderr, braid run makes an error output of it.
    expect(executed.cells[7].outputs).toMatchObject([{ output_type: "error", ename: "RangeError", evalue: "stop" }]);
    expect(theirs[7].stderr).toContain("RangeError: stop");
    expect(ours.slice(0, 7)).toEqual(theirs.slice(0, 7));
    expect(ours[2]).toMatchObject({ stdout: "seeds 3\n[ 3, 6, 9 ]\n", stderr: "careful\n" });
  });
});
