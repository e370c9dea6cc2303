/**
 * The workbook in JupyterLab, as a user has it: `braid lab`, a browser, notebook 02; all cells, another parameter, training
 * that is watched and interrupted, the next cell. The steps build on each other.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from "vitest";
import { launch, runsHere } from "../browser/chromium.js";
import { dist } from "../gpu/child.js";
import { checkout } from "../notebooks/fixture.js";
import { NotebookPage } from "./notebook.js";
import { pythonLacks, type RunningLab, startLab } from "./server.js";

const lacks = runsHere ? pythonLacks : "JupyterLab is not tested: the tests' browser is for x64 Linux alone.";
if (lacks) console.warn(lacks);

/** The first call installs JupyterLab. */
const installPatience = 420_000;
interface KernelSpec {
  spec: { argv: string[] };
}
const file = "02-block-ratio.ipynb";

describe.skipIf(lacks)("JupyterLab", () => {
  let lab: RunningLab | undefined;
  let browser: Browser | undefined;
  let notebook: NotebookPage;
  let training: Locator;

  beforeAll(async () => {
    lab = await startLab(file);
    browser = await launch();
  }, installPatience);
  afterAll(async () => {
    await browser?.close();
    await lab?.end();
  });
  beforeEach(() => {
    onTestFailed(async ({ task }) => {
      const folder = join(checkout, "out", "lab");
      mkdirSync(folder, { recursive: true });
      const path = join(folder, `${task.name.replaceAll(/\W+/g, "-")}.png`);
      await notebook?.page.screenshot({ path });
      console.error(`What the page showed: ${path}`);
    });
  });

  it("listens on the loopback and lets nobody in without the token", async () => {
    const { url } = lab!;
    expect(url.hostname).toBe("127.0.0.1");
    const kernels = new URL("/api/kernels", url);
    expect((await fetch(kernels)).status).toBe(403);
    kernels.search = url.search;
    expect((await fetch(kernels)).status).toBe(200);
  });

  it("has the kernel of this checkout", async () => {
    const specs = new URL(`/api/kernelspecs${lab!.url.search}`, lab!.url);
    const { kernelspecs } = (await (await fetch(specs)).json()) as { kernelspecs: Record<string, KernelSpec> };
    expect(kernelspecs.tslab.spec.argv).toContain(join(dist, "workbook", "kernel-host.js"));
  });

  it("shows what is stored in a notebook of the package, with its figure", async () => {
    const page = await browser!.newPage({ viewport: { width: 1300, height: 1000 } });
    notebook = await NotebookPage.open(page, lab!.url, file);
    await expectFigure();
  });

  it("runs all cells, and shows the figure and the verdicts", async () => {
    await notebook.menu("Edit", "Clear Outputs of All Cells");
    await notebook.until(
      "no output",
      () => notebook.page.locator(".jp-OutputArea-child").count(),
      (n) => n === 0,
    );
    await notebook.menu("Run", "Run All Cells");
    const counts = await notebook.until(
      "every cell's number",
      () => notebook.untilIdle(),
      (all) => !all.includes(""),
    );
    expect(counts).toEqual(counts.map((_, index) => String(index + 1)));
    expect(await notebook.errors()).toEqual([]);
    await expectFigure();
    const verdicts = notebook.page.locator("table", { has: notebook.page.getByText("verdict", { exact: true }) });
    expect(await verdicts.textContent()).toMatch(/reproduced|contradicted|unresolved/);
  });

  it("trains with the parameter `smoke`, and shows the loss as it falls", async () => {
    const parameters = notebook.cell("let scale: Scale");
    await notebook.replaceLine(parameters, "let scale", 'let scale: Scale = "smoke";');
    // Twenty seeds take minutes: long enough to be interrupted, however fast the machine.
    const seeds = Array.from({ length: 20 }, (_, seed) => seed).join(", ");
    await notebook.replaceLine(parameters, "let seeds", `let seeds: number[] = [${seeds}];`);
    await notebook.menu("Run", "Run All Cells");
    training = notebook.page.locator(".jp-CodeCell", { has: notebook.page.locator("progress") });
    const losses = new Set<string>();
    const seen = async () => {
      const loss = /loss (\d+\.\d+)/.exec(await shown())?.[1];
      if (loss) losses.add(loss);
      return [...losses];
    };
    await notebook.until("four losses", seen, (all) => all.length >= 4);
    // Bytes of a language of 257 symbols: untrained models lose ln 257 = 5.55 nats a token.
    expect(Math.max(...[...losses].map(Number))).toBeLessThan(6);
    expect(Math.min(...[...losses].map(Number))).toBeLessThan(5.5);
    expect(await notebook.count(training)).toBe("*");
  });

  it("stops the training on an interrupt, and goes on with the next cell", async () => {
    await notebook.select(training);
    await notebook.page.keyboard.press("i");
    await notebook.page.keyboard.press("i");
    await notebook.untilIdle();
    const errors = await notebook.errors(training);
    expect(errors).toEqual([expect.stringMatching(/^\[Stopped: Training was stopped at step \d.*\n$/)]);
    const step = /step \d+ of \d+/.exec(errors[0])![0];
    const last = await notebook.until("the last step on display", shown, (text) => text.includes(step));

    // A new cell below: it runs, and the notebook's values are still there.
    await notebook.select(training);
    await notebook.page.keyboard.press("b");
    await notebook.page.keyboard.press("Enter");
    await notebook.page.keyboard.type("console.log(scale, seeds.length);");
    await notebook.page.keyboard.press("Shift+Enter");
    const next = notebook.after(training);
    const before = Number(await notebook.count(training));
    await notebook.until(
      "the next cell's number",
      () => notebook.count(next),
      (count) => Number(count) > before,
    );
    expect(await next.locator(".jp-OutputArea-output").textContent()).toBe("smoke 20\n");
    // Nothing goes on behind the back of a cell that has ended.
    expect(await shown()).toBe(last);
  });

  it("ends on Ctrl-C, training or not, and leaves no process behind", async () => {
    await notebook.menu("Run", "Run All Cells");
    // The outputs of the stopped training, its error among them, go when the new one begins.
    await notebook.until(
      "training anew",
      async () => `${await shown()} ${await notebook.errors(training)}`,
      (text) => /step \d/.test(text) && !text.includes("Stopped"),
    );
    const { end } = lab!;
    lab = undefined;
    expect(await end()).toEqual({ code: 0, left: [] });
  });

  /** What the live display of the training says. */
  async function shown(): Promise<string> {
    const display = training.locator(".jp-OutputArea-output", { has: notebook.page.locator("progress") });
    return (await display.textContent()) ?? "";
  }

  /** The figure is there, drawn, and as large as a figure. */
  async function expectFigure(): Promise<void> {
    const figure = notebook.cell('saveFigure("block-ratio"').locator(".jp-OutputArea-output svg.braid-figure");
    await figure.scrollIntoViewIfNeeded();
    expect(await figure.isVisible()).toBe(true);
    const box = await figure.boundingBox();
    expect(box?.width).toBeGreaterThan(400);
    expect(box?.height).toBeGreaterThan(200);
    expect(await figure.locator("path, circle, line").count()).toBeGreaterThan(10);
  }
});
