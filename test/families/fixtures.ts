import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { floatsOf, integersOf, readHeader } from "../../src/model/safetensors.js";

const root = fileURLToPath(new URL("../fixtures/families/", import.meta.url));
export const folderOf = (name: string): string => `${root}${name}`;

/** All fixtures, e.g. "bamba-1", made by ../fixtures/make_families.py. */
export const fixtures: string[] = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** What transformers gave for a fixture. */
export interface Expected {
  integers(name: string): number[];
  floats(name: string): { shape: readonly number[]; values: Float32Array };
  /** Names that begin so, without that beginning. */
  under(prefix: string): string[];
}

export function expectedOf(fixture: string): Expected {
  const path = `${folderOf(fixture)}/expected.safetensors`;
  const file = new Uint8Array(readFileSync(path));
  const { entries } = readHeader(file, file.length, path);
  const read = <T>(name: string, decode: (bytes: Uint8Array, dtype: string, where: string) => T) => {
    const entry = entries.get(name);
    if (!entry) throw new Error(`${path} has no ${name}`);
    return { shape: entry.shape, values: decode(file.slice(entry.begin, entry.end), entry.dtype, name) };
  };
  return {
    integers: (name) => [...read(name, integersOf).values],
    floats: (name) => read(name, floatsOf),
    under: (prefix) =>
      [...entries.keys()].flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : [])),
  };
}
