import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readNotebook, writeNotebook } from "../../src/workbook/notebook.js";
import { runWorkbook } from "../../src/workbook/workbook.js";
import { linkedProject, save } from "./fixture.js";

const project = linkedProject();
afterAll(project.remove);
const out = join(project.path, "out");
const figure = join(project.path, "figures", "trial.svg");
let path: string;

beforeAll(async () => {
  path = save(project.path, "checked.ipynb", [
    { source: 'let scale = "recorded";', tags: ["parameters"] },
    'import * as tslab from "tslab";\nimport { saveFigure } from "braid-lm/workbook";',
    'console.log("loss 3.125");\nconsole.log("at", Math.round(Math.random() * 1e6), "tok/s in", Math.random(), "s");',
    'const circle = \'<circle cy="5" r="3" cx="\' + (5 + Math.random() / 100) + \'"/>\';\ntslab.display.html(saveFigure("trial", `<svg width="20" height="10">` + circle + "</svg>"));',
    { source: "console.log(Math.random());", tags: ["volatile"] },
  ]);
  const [outcome] = await runWorkbook({ notebooks: [path], out, inPlace: true, scale: "recorded" });
  expect(outcome).toMatchObject({ status: "ok", messages: [] });
});

/** Compares without running again: stored outputs are no part of what decides whether a notebook has changed. */
async function recheck(): Promise<string[]> {
  const [outcome] = await runWorkbook({ notebooks: [path], out, check: true, resume: true, scale: "recorded" });
  expect(outcome.status).toBe(outcome.messages.length > 0 ? "differs" : "unchanged since the last run");
  return outcome.messages;
}

it("stores outputs and figures in place, without traces of the run", () => {
  const { cells, metadata } = readNotebook(path);
  expect(metadata).not.toHaveProperty("braid");
  expect(cells.map((cell) => cell.id)).toEqual(["c1", "c2", "c3", "c4", "c5"]);
  expect(cells[0].metadata).toEqual({ tags: ["parameters"] });
  expect(cells[2].outputs).toMatchObject([
    { name: "stdout", text: expect.stringMatching(/^loss 3\.125\nat \d+ tok\/s/) },
  ]);
  expect(readFileSync(figure, "utf8")).toContain("<circle");
  expect(readFileSync(figure.replace(".svg", ".png")).subarray(1, 4).toString()).toBe("PNG");
});

it("finds a fresh run equal to the stored one, times and last digits of coordinates aside", async () => {
  const [outcome] = await runWorkbook({ notebooks: [path], out, check: true, scale: "recorded" });
  expect(outcome).toMatchObject({ status: "ok", messages: [] });
  expect(outcome.seconds).toBeGreaterThan(0);
  const executed = readNotebook(join(out, "checked.ipynb"));
  expect(executed.metadata.braid).toMatchObject({ parameters: { scale: "recorded" }, node: process.version });
});

it("says in which cell and line an output differs", async () => {
  const stored = readNotebook(path);
  const edited = structuredClone(stored);
  const output = edited.cells[2].outputs![0] as { text: string };
  output.text = output.text.replace("3.125", "3.126");
  writeNotebook(path, edited);
  expect(await recheck()).toEqual([
    expect.stringMatching(
      /checked\.ipynb, cell 3 \(console\.log\("loss 3\.125"\);\), output 1, line 1: stored "loss 3\.126", now "loss 3\.125"\.$/,
    ),
  ]);
  writeNotebook(path, stored);
});

it("says which element of a figure differs", async () => {
  const drawn = readFileSync(figure, "utf8");
  writeFileSync(figure, drawn.replace('cy="5"', 'cy="6"'));
  expect(await recheck()).toEqual(['figures/trial.svg, <circle> 4, attribute cy: stored "6", now "5".']);
  writeFileSync(figure, drawn);
  expect(await recheck()).toEqual([]);
});
