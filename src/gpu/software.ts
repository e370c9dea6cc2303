// The software adapter that `npm ci` brings: SwiftShader and a Vulkan loader, as shipped inside @sparticuz/chromium.
// Dawn looks for "libvulkan.so.1" by name, so loading that file into the process beforehand is enough: no root, no
// system Vulkan. SwiftShader is told of by the environment variable that every Vulkan loader reads.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { cacheFolders } from "./cache-folders.js";

const rtldNoDelete = 0x1000;

/** What lists call the adapter in the archive. */
export const bundledName = "SwiftShader (from npm)";

/** Where the archive with SwiftShader lies, or undefined when the optional package is not installed. */
export function findArchive(): { path: string; version: string } | undefined {
  const from = [import.meta.url, join(process.cwd(), "package.json")];
  for (const base of from) {
    try {
      const entry = createRequire(base).resolve("@sparticuz/chromium");
      let folder = dirname(entry);
      while (!existsSync(join(folder, "bin", "swiftshader.tar.br"))) {
        if (folder === dirname(folder)) return undefined;
        folder = dirname(folder);
      }
      const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
      return { path: join(folder, "bin", "swiftshader.tar.br"), version };
    } catch {
      // Not to be found from there: look from the next place.
    }
  }
  return undefined;
}

/** The files of a tar archive: 512-byte headers with name and octal size, each followed by the padded content. */
function* tarEntries(tar: Buffer): Generator<{ name: string; content: Buffer }> {
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const name = tar.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    const size = Number.parseInt(tar.toString("ascii", at + 124, at + 136), 8);
    yield { name, content: tar.subarray(at + 512, at + 512 + size) };
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

const loader = "libvulkan.so.1";
const description = "vk_swiftshader_icd.json";
const files = [loader, "libvk_swiftshader.so", description];
const complete = (folder: string) => files.every((name) => existsSync(join(folder, name)));

/** Unpacks the loader and SwiftShader into the first cache folder that can be written. @throws Error when none can. */
function unpack(archive: { path: string; version: string }): string {
  const name = `swiftshader-${archive.version}`;
  const problems: string[] = [];
  for (const cache of cacheFolders()) {
    const folder = join(cache, name);
    try {
      // Libraries that someone else put among the temporary files are not to be loaded.
      if (existsSync(cache) && cache.startsWith(tmpdir()) && statSync(cache).uid !== process.getuid?.()) {
        throw new Error(`${cache} belongs to another user`);
      }
      if (!complete(folder)) unpackTo(folder, archive.path);
      return folder;
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`it could not be unpacked: ${problems.join("; ")} (set BRAID_CACHE to a folder that can be written)`);
}

/** Written beside its place, then renamed: processes that start at the same time do not see each other's half-done copy. */
function unpackTo(folder: string, archive: string): void {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  const temporary = mkdtempSync(`${folder}.`);
  try {
    for (const { name, content } of tarEntries(brotliDecompressSync(readFileSync(archive)))) {
      if (files.includes(name)) writeFileSync(join(temporary, name), content);
    }
    if (existsSync(folder) && !complete(folder)) rmSync(folder, { recursive: true, force: true });
    try {
      renameSync(temporary, folder);
    } catch (error) {
      // Another process was faster; its copy is as good.
      if (!complete(folder)) throw error;
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Loads a library for the whole process, for good. @returns what went wrong, if anything. */
function loadLibrary(path: string): string | undefined {
  try {
    const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
    process.dlopen({ exports: {} }, path, RTLD_NOW | RTLD_GLOBAL | rtldNoDelete);
  } catch (error) {
    // A Vulkan loader is no Node module, so "did not self-register" is what success looks like; the library stays loaded.
    const message = error instanceof Error ? error.message : String(error);
    if (!/self-register/.test(message)) return message;
  }
  return undefined;
}

let system: boolean | undefined;

/** Whether the system has a Vulkan loader; Dawn would complain on stderr if asked to look for a missing one. */
export function hasSystemVulkan(): boolean {
  // Asked once: the bundled loader, when it is in the process, would answer to the same name.
  system ??= process.platform !== "linux" || loadLibrary(loader) === undefined;
  return system;
}

let loaded = false;

/**
 * Makes the bundled software Vulkan visible to Dawn instances created afterwards.
 * @returns a sentence saying why not, or undefined when it is there.
 */
export function loadSoftwareVulkan(): string | undefined {
  if (loaded) return undefined;
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `the bundled software adapter is for x64 Linux only, this is ${process.platform}-${process.arch}`;
  }
  const archive = findArchive();
  if (!archive)
    return "the optional package @sparticuz/chromium is not installed (npm install @sparticuz/chromium@147)";
  let folder: string;
  try {
    folder = unpack(archive);
  } catch (error) {
    return `the bundled software adapter is of no use: ${error instanceof Error ? error.message : error}`;
  }
  process.env.VK_DRIVER_FILES = join(folder, description);
  const problem = loadLibrary(join(folder, loader));
  if (problem) return `the Vulkan loader could not be loaded: ${problem}`;
  loaded = true;
  return undefined;
}
