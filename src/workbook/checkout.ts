import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

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
