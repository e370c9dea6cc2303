import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Writes a whole file or nothing: a reader, or a run that is killed, never sees half of it. Makes the folder. */
export function writeAtomically(path: string, data: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, data);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** The braid checkout that `from` lies in (the nearest folder whose package.json is braid-lm's), or undefined. */
export function findCheckout(from: string = process.cwd()): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      if (typeof manifest === "object" && manifest !== null && "name" in manifest && manifest.name === "braid-lm") {
        return folder;
      }
    } catch {
      // No readable package.json here: look further up.
    }
    if (dirname(folder) === folder) return undefined;
  }
}
