/** Every notebook of the workbook runs from its first cell to its last at the scale that any adapter can train. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { runWorkbook } from "../../src/workbook/workbook.js";
import { checkout } from "./fixture.js";

const folder = join(checkout, "notebooks");
const out = mkdtempSync(join(tmpdir(), "braid-smoke-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

it.each(readdirSync(folder).filter((file) => file.endsWith(".ipynb")))("%s", { timeout: 400_000 }, async (file) => {
  const [outcome] = await runWorkbook({ notebooks: [join(folder, file)], scale: "smoke", out, totalTimeout: 360 });
  expect(outcome).toMatchObject({ status: "ok", messages: [] });
});
