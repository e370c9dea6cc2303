import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolders } from "./cache-folders.js";
import type { GpuInfo } from "./info.js";

/** Which form of a kernel was fastest, by what it was asked for. */
export type Choices = Map<string, readonly number[]>;

/** Bump it when kernels change, so that choices among the old ones are forgotten. */
const version = 2;

interface File {
  version: number;
  adapters: Record<string, Record<string, number[]>>;
}

const file = "choices.json";
const nameOf = ({ vendor, architecture, device, description }: GpuInfo) =>
  [vendor, architecture, device, description].join(" ");

/** Choices that were made on this adapter before; none where there is no file of this version that can be read. */
export function loadChoices(info: GpuInfo): Choices {
  for (const folder of cacheFolders()) {
    const found = read(join(folder, file));
    if (found) return new Map(Object.entries(found.adapters[nameOf(info)] ?? {}));
  }
  return new Map();
}

/** Keeps them in the first cache folder that can be written; without one they are made again next time. */
export function saveChoices(info: GpuInfo, choices: Choices): void {
  for (const folder of cacheFolders()) {
    const path = join(folder, file);
    const others = read(path)?.adapters ?? {};
    // Another process may have chosen for other shapes meanwhile.
    const own = { ...others[nameOf(info)], ...Object.fromEntries(choices) };
    const text = JSON.stringify({ version, adapters: { ...others, [nameOf(info)]: own } });
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(temporary, text);
      renameSync(temporary, path);
      return;
    } catch {
      // Read-only or full: the next one.
    }
  }
}

function read(path: string): File | undefined {
  try {
    const found = JSON.parse(readFileSync(path, "utf8")) as File;
    return found.version === version && typeof found.adapters === "object" ? found : undefined;
  } catch {
    return undefined;
  }
}
