import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * The braid checkout that `from` lies in, or undefined when it lies in another project. The nearest package.json
 * decides; that of the checkout's own notebooks/ belongs to the checkout.
 */
export function findCheckout(from: string = process.cwd()): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const name = packageName(folder);
    if (name === "braid-lm") return folder;
    if ((name !== undefined && name !== "braid-notebooks") || dirname(folder) === folder) return undefined;
  }
}

/** Where notebooks are when none is named: in notebooks/ of the checkout that `from` lies in, else of `from` itself. */
export function notebooksFolder(from: string = process.cwd()): string {
  return resolve(findCheckout(from) ?? from, "notebooks");
}

/** The notebooks in a folder, which may be missing, in the order of their names. */
export function notebooksIn(folder: string): string[] {
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(".ipynb")) : [];
  return files.sort().map((file) => join(folder, file));
}

/** All notebooks where none is named. Throws when there are none. */
export function allNotebooks(): string[] {
  const folder = notebooksFolder();
  const files = notebooksIn(folder);
  if (files.length === 0) throw new Error(`There are no notebooks in ${folder}; name the ones to run.`);
  return files;
}

/** The name in the folder's package.json ("" if it says none), undefined where there is no readable one. */
function packageName(folder: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return typeof manifest === "object" && manifest !== null && "name" in manifest ? String(manifest.name) : "";
  } catch {
    return undefined;
  }
}
