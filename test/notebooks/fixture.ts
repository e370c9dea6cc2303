import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Cell, type Notebook, writeNotebook } from "../../src/workbook/notebook.js";

export const checkout = fileURLToPath(new URL("../..", import.meta.url));

/** A code cell: its source, or its source and tags. */
export type CellSpec = string | { source: string; tags: string[] };

export function notebook(cells: CellSpec[]): Notebook {
  return {
    cells: cells.map((spec, index): Cell => {
      const { source, tags } = typeof spec === "string" ? { source: spec, tags: [] } : spec;
      return {
        cell_type: "code",
        id: `c${index + 1}`,
        source,
        metadata: tags.length > 0 ? { tags } : {},
        outputs: [],
        execution_count: null,
      };
    }),
    metadata: {
      kernelspec: { display_name: "TypeScript", language: "typescript", name: "tslab" },
      language_info: { name: "typescript" },
    },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

/** A folder of its own inside the checkout's notebooks/, where cells find the package by name. */
export function notebookFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(checkout, "notebooks", ".test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A project elsewhere that has the package in its node_modules (as a link to this checkout). */
export function linkedProject(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "braid-project-"));
  mkdirSync(join(path, "node_modules"));
  symlinkSync(checkout, join(path, "node_modules", "braid-lm"), "junction");
  writeFileSync(join(path, "package.json"), '{ "name": "elsewhere", "private": true }\n');
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function save(folder: string, name: string, cells: CellSpec[]): string {
  const path = join(folder, name);
  writeNotebook(path, notebook(cells));
  return path;
}
