// The software adapter that `npm ci` brings: SwiftShader and a Vulkan loader, as shipped inside @sparticuz/chromium.
// Dawn looks for "libvulkan.so.1" by name, so loading that file into the process beforehand is enough: no root, no
// system Vulkan. SwiftShader is told of by the environment variable that every Vulkan loader reads.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants, homedir } from "node:os";
import { dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";

const rtldNoDelete = 0x1000;

/** Folder for what braid unpacks or computes once: $BRAID_CACHE, else ~/.cache/braid. */
export function cacheFolder(): string {
  return process.env.BRAID_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "braid");
}

/** Where the archive with SwiftShader lies, or undefined when the optional package is not installed. */
function findArchive(): { path: string; version: string } | undefined {
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

function unpack(archive: { path: string; version: string }): string {
  const folder = join(cacheFolder(), `swiftshader-${archive.version}`);
  if (existsSync(folder)) return folder;
  const temporary = `${folder}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  for (const { name, content } of tarEntries(brotliDecompressSync(readFileSync(archive.path)))) {
    if (/^lib(vulkan|vk_swiftshader)\.so|\.json$/.test(name)) writeFileSync(join(temporary, name), content);
  }
  try {
    renameSync(temporary, folder);
  } catch (error) {
    // Another process was faster; its copy is as good.
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
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

/** Whether the system has a Vulkan loader; Dawn would complain on stderr if asked to look for a missing one. */
export function hasSystemVulkan(): boolean {
  return process.platform !== "linux" || loadLibrary("libvulkan.so.1") === undefined;
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
  const folder = unpack(archive);
  process.env.VK_DRIVER_FILES = join(folder, "vk_swiftshader_icd.json");
  const problem = loadLibrary(join(folder, "libvulkan.so.1"));
  if (problem) return `the Vulkan loader could not be loaded: ${problem}`;
  loaded = true;
  return undefined;
}
