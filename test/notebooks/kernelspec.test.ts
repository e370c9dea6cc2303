import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { installKernelspec } from "../../src/workbook/kernelspec.js";

const folder = mkdtempSync(join(tmpdir(), "braid-jupyter-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, "kernels", "tslab", "kernel.json");

it("braid kernel writes a kernel that starts from any folder, again and again", () => {
  for (let time = 0; time < 2; time++)
    expect(installKernelspec(folder)).toEqual({ folder: join(file, ".."), ours: true });
  const { argv, language } = JSON.parse(readFileSync(file, "utf8")) as { argv: string[]; language: string };
  expect(language).toBe("typescript");
  expect(argv[0]).toBe(process.execPath);
  expect(argv.at(-1)).toBe("{connection_file}");
});

it("braid kernel leaves a kernel of somebody else alone", () => {
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, '{"argv":["tslab","kernel","--config-path","{connection_file}"]}');
  expect(installKernelspec(folder).ours).toBe(false);
  expect(readFileSync(file, "utf8")).toContain('"argv":["tslab"');
});
