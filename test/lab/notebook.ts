/** A notebook on a page of JupyterLab: what a user sees of it, and does to it. */
import type { Locator, Page } from "playwright-core";

/** Milliseconds that a notebook may take, on processors that others use as well. */
const patience = 90_000;

// Text is read as textContent all through: innerText is empty in cells that the page has not drawn yet.
const inBrackets = (prompt: string | null) => (prompt ?? "").replace(/[[\]:\s]/g, "");

export class NotebookPage {
  private constructor(readonly page: Page) {}

  /** Opens the notebook and waits until it is drawn and has its kernel. */
  static async open(page: Page, lab: URL, notebook: string): Promise<NotebookPage> {
    page.setDefaultTimeout(patience);
    const url = new URL(lab);
    url.pathname += `/tree/${notebook}`;
    await page.goto(url.href);
    await page.locator(".jp-Notebook .jp-CodeCell").first().waitFor();
    await page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").waitFor();
    return new NotebookPage(page);
  }

  /** The first code cell whose source has this text. */
  cell(source: string): Locator {
    return this.page.locator(".jp-CodeCell", { has: this.page.locator(".cm-content", { hasText: source }) }).first();
  }

  /** The code cell below another. */
  after(cell: Locator): Locator {
    return cell.locator("xpath=following-sibling::*[contains(concat(' ', @class, ' '), ' jp-CodeCell ')][1]");
  }

  /** The number in front of a cell, "*" while it waits or runs, "" when it has not run. */
  async count(cell: Locator): Promise<string> {
    return inBrackets(await cell.locator(".jp-InputArea-prompt").textContent());
  }

  /** What cells printed to stderr, which is where tslab puts errors. */
  errors(cells: Locator | Page = this.page): Promise<string[]> {
    return cells.locator("[data-mime-type='application/vnd.jupyter.stderr']").allTextContents();
  }

  async menu(menu: string, entry: string): Promise<void> {
    await this.page.locator(".lm-MenuBar-item", { hasText: menu }).click();
    await this.page.locator(".lm-Menu-item", { hasText: entry }).first().click();
  }

  /** Waits until no cell runs or waits to run. @returns the numbers in front of all code cells */
  async untilIdle(): Promise<string[]> {
    await this.page.waitForFunction(
      () => {
        const prompts = Array.from(document.querySelectorAll(".jp-CodeCell .jp-InputArea-prompt"));
        return prompts.length > 0 && prompts.every((prompt) => !prompt.textContent?.includes("*"));
      },
      undefined,
      { polling: 200 },
    );
    const prompts = await this.page.locator(".jp-CodeCell .jp-InputArea-prompt").allTextContents();
    return prompts.map(inBrackets);
  }

  /** Types a line in the place of the one that begins so. */
  async replaceLine(cell: Locator, beginning: string, line: string): Promise<void> {
    await cell.locator(".cm-line", { hasText: beginning }).click();
    await this.page.keyboard.press("Home");
    await this.page.keyboard.press("Shift+End");
    await this.page.keyboard.type(line);
    await cell.locator(".cm-line").getByText(line, { exact: true }).waitFor();
  }

  /** Selects a cell, so that keys are commands to it. */
  async select(cell: Locator): Promise<void> {
    await cell.locator(".jp-InputArea-prompt").click();
  }

  /** Polls until what `read` gives satisfies `done`. */
  async until<T>(what: string, read: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
    const deadline = Date.now() + patience;
    for (;;) {
      const value = await read();
      if (done(value)) return value;
      if (Date.now() > deadline) throw new Error(`waited ${patience / 1000} s for ${what}; last: ${String(value)}`);
      await this.page.waitForTimeout(100);
    }
  }
}
