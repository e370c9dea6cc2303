// `braid report` in a browser, opened from files: what its scripts do, and that nothing is loaded from anywhere else.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findingsRows } from "../../src/findings/summary.node.js";
import { packageStore, readStore } from "../../src/runs/store.js";
import { writeNotebook } from "../../src/workbook/notebook.js";
import { writeWorkbookSite } from "../../src/workbook/site.js";
import { notebook } from "../notebooks/fixture.js";
import { launch, runsHere } from "./chromium.js";

describe.runIf(runsHere)("the site of braid report in headless Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "braid-site-"));
  const out = join(folder, "site");
  const url = (name: string) => pathToFileURL(join(out, name)).href;
  const runs = readStore(packageStore);
  const problems: string[] = [];
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    writeWorkbookSite({ out });
    browser = await launch();
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => problems.push(`${message.type()}: ${message.text()}`));
    page.on("request", (request) => {
      if (!request.url().startsWith("file://")) problems.push(`request: ${request.url().slice(0, 200)}`);
    });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const count = (selector: string) => page.locator(selector).count();
  const column = (key: string) => page.locator(`#runs tbody td.${key}`).allTextContents();

  it("shows the verdicts and leads to a notebook", async () => {
    await page.goto(url("index.html"));
    expect(await page.locator(".verdicts .badge").allTextContents()).toEqual(
      findingsRows().map(({ outcome }) => outcome),
    );
    await page
      .getByText(/^\d+ comparisons$/)
      .first()
      .click();
    expect(await page.locator(".parts").first().isVisible()).toBe(true);
    await page.locator(".verdicts .finding a", { hasText: "block-ratio" }).click();
    expect(await page.locator("h1").textContent()).toContain("Block ratio");
    expect(page.url()).toBe(url("notebooks/02-block-ratio.html"));
  });

  it("opens a figure large by a click or Enter, zooms it by buttons, keys and wheel, and closes it with Escape", async () => {
    await page.goto(url("notebooks/02-block-ratio.html"));
    const figure = page.locator("dialog.zoom svg.braid-figure");
    const width = async () => (await figure.boundingBox())!.width;
    const before = (await page.locator(".zoomable svg").first().boundingBox())!.width;
    const button = page.locator(".zoom-open").first();
    await button.click();
    const opened = await width();
    expect(opened).toBeGreaterThan(before * 1.2);
    await page.getByRole("button", { name: "Zoom in" }).click();
    expect(await width()).toBeCloseTo(opened * 1.25, 0);
    await page.keyboard.press("-");
    expect(await width()).toBeCloseTo(opened, 0);
    await page.mouse.move(600, 500);
    await page.mouse.wheel(0, -200);
    await expect.poll(width).toBeGreaterThan(opened * 1.2);
    await page.keyboard.press("0");
    expect(await width()).toBeCloseTo(opened, 0);
    await page.keyboard.press("Escape");
    expect(await count("dialog[open]")).toBe(0);
    expect(await button.evaluate((element) => element === document.activeElement), "focus comes back").toBe(true);
    await page.keyboard.press("Enter");
    expect(await count("dialog[open]")).toBe(1);
    await page.getByRole("button", { name: "Close" }).click();
    expect(await count("dialog[open]")).toBe(0);
    await page.getByLabel("show the code").uncheck();
    expect(await page.locator(".source").first().isVisible()).toBe(false);
  });

  it("filters the runs by words, finding and label, and keeps the filter in the address", async () => {
    await page.goto(url("runs.html"));
    expect(await count("#runs tbody tr")).toBe(runs.length);
    const of = runs.filter(({ finding }) => finding === "block-ratio");
    await page.getByLabel("finding").selectOption("block-ratio");
    expect(await count("#runs tbody tr")).toBe(of.length);
    await page.getByLabel("label").selectOption("1:5");
    const labelled = of.filter(({ label }) => label === "1:5").length;
    expect(await count("#runs tbody tr")).toBe(labelled);
    expect(labelled).toBeLessThan(of.length);
    expect(await page.locator("#count").textContent()).toContain(`${labelled} of ${runs.length} runs`);
    const [{ id }] = runs;
    await page.reload();
    expect(await count("#runs tbody tr"), "after a reload").toBe(labelled);
    await page.getByRole("button", { name: "Show all" }).click();
    await page.getByLabel("search").fill(id);
    expect(await column("id")).toEqual([id]);
    await page.goto(url("index.html"));
    await page.locator("#cost ~ .scroll a", { hasText: /^block-ratio$/ }).click();
    expect(await count("#runs tbody tr"), "from the first page").toBe(of.length);
  });

  it("sorts the runs by the heading that is clicked", async () => {
    await page.goto(url("runs.html"));
    const losses = runs.map(({ result }) => result.validation.nllPerToken).sort((a, b) => a - b);
    const heading = page.getByRole("button", { name: "loss a token" });
    await heading.click();
    expect(await column("perToken")).toEqual(losses.map((loss) => loss.toFixed(4)));
    await heading.click();
    expect(await column("perToken")).toEqual(losses.reverse().map((loss) => loss.toFixed(4)));
    expect(await page.locator("#runs [aria-sort=descending]").textContent()).toContain("loss a token");
    await page.getByRole("button", { name: "seed" }).press("Enter");
    expect((await column("seed")).map(Number)).toEqual(runs.map(({ spec }) => spec.seed).sort((a, b) => a - b));
  });

  it("shows the command of a run and copies it, or selects it", async () => {
    await page.goto(url("runs.html"));
    await page.locator("#runs tbody button").first().click();
    const command = (await page.locator("dialog.run pre").textContent())!;
    expect(command).toContain(`--spec data/runs/${runs[0].finding}/${runs[0].id}.json`);
    await page.getByRole("button", { name: "Copy the command" }).click();
    await expect.poll(() => page.locator("dialog.run [role=status]").textContent()).toMatch(/^(Copied|The browser)/);
    await page.keyboard.press("Escape");
    expect(await count("dialog[open]")).toBe(0);
  });

  it("fits a phone: no page is wider than the window, and wide tables can be reached by keyboard", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const name of ["index.html", "runs.html", "notebooks/01-costs.html", "notebooks/90-inside.html"]) {
      await page.goto(url(name));
      const { wide, unreachable } = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth - innerWidth,
        unreachable: [...document.querySelectorAll<HTMLElement>(".output, .scroll")].filter(
          (box) => box.scrollWidth > box.clientWidth && box.tabIndex < 0,
        ).length,
      }));
      expect({ name, wide, unreachable }).toEqual({ name, wide: 0, unreachable: 0 });
    }
    // A box says on which side there is more to see.
    await page.goto(url("index.html"));
    const box = page.locator("#cost ~ .scroll").first();
    expect(await box.getAttribute("data-more")).toBe("right");
    await box.evaluate((element) => element.scrollTo(element.scrollWidth, 0));
    await expect.poll(() => box.getAttribute("data-more")).toBe("left");
    await box.evaluate((element) => element.scrollTo(20, 0));
    await expect.poll(() => box.getAttribute("data-more")).toBe("left right");
  });

  it("runs no script and loads nothing that a notebook's outputs hold", async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked++;
      response.end();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const hostile = notebook(["show();"]);
    const markup =
      `<svg width="200" height="200" onload="window.ran = 1"></svg><script>window.ran = 1</script>` +
      `<img src="${elsewhere}/x.png" onerror="window.ran = 1"><script src="${elsewhere}/x.js"></script>`;
    hostile.cells[0].outputs = [{ output_type: "display_data", data: { "text/html": markup }, metadata: {} }];
    writeNotebook(join(folder, "hostile.ipynb"), hostile);
    writeWorkbookSite({ out: join(folder, "other"), notebooks: [join(folder, "hostile.ipynb")] });
    const file = join(folder, "other", "notebooks", "hostile.html");
    const other = await browser.newPage();
    try {
      await other.goto(pathToFileURL(file).href);
      expect(await other.locator(".zoom-open").count(), "its own script ran").toBeGreaterThan(0);
      expect([await other.evaluate("window.ran"), asked]).toEqual([undefined, 0]);
      const open = join(folder, "without-policy.html");
      writeFileSync(open, readFileSync(file, "utf8").replace(/<meta http-equiv[^>]*>/, ""));
      await other.goto(pathToFileURL(open).href);
      expect([await other.evaluate("window.ran"), asked], "without the policy").toEqual([1, 2]);
    } finally {
      await other.close();
      server.close();
      server.closeAllConnections();
    }
  });

  it("needed no network and reported nothing in all this", () => {
    expect(problems).toEqual([]);
  });
});
