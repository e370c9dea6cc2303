/** Reading and writing whole files, with errors that name them. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, extname } from "node:path";
import { ReadableStream } from "node:stream/web";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import xz from "xz-decompress";

/** Writes a whole file or nothing: a reader, or a run that is killed, never sees half of it. Makes the folder. */
export function writeAtomically(path: string, ...parts: (string | Uint8Array)[]): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    parts.forEach((part, i) => {
      writeFileSync(temporary, part, { flag: i === 0 ? "w" : "a" });
    });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * @param what how errors call it, e.g. "data file"
 * @throws Error when the path is wrong or the file is empty
 */
export async function requireFile(path: string, what: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      error.code === "ENOENT" ? `${what} ${path} does not exist` : `${what} ${path} cannot be read: ${error.message}`,
    );
  });
  if (!found.isFile()) throw new Error(`${what} ${path} is ${found.isDirectory() ? "a folder" : "not a file"}`);
  if (found.size === 0) throw new Error(`${what} ${path} is empty`);
}

/** A file's bytes as they lie on disk. @throws Error as `requireFile` does, or when it cannot be read */
export async function readWhole(path: string, what: string): Promise<Uint8Array> {
  await requireFile(path, what);
  return readFile(path).catch((error: Error) => {
    throw new Error(`${what} ${path} cannot be read: ${error.message}`);
  });
}

/** The ending that says how to read a file, without .gz or .xz, and that compression: "a/b.txt.xz" gives [".txt", ".xz"]. */
export function endings(path: string): [ending: string, compression: ".gz" | ".xz" | ""] {
  const name = basename(path).toLowerCase();
  const last = extname(name);
  if (last !== ".gz" && last !== ".xz") return [last, ""];
  return [extname(name.slice(0, -3)), last];
}

/**
 * Unpacks the bytes of a .gz or .xz file; those of any other file are returned as they are.
 * @throws Error when the file is truncated, damaged or not what its ending says
 */
export async function uncompressed(bytes: Uint8Array, path: string, what: string): Promise<Uint8Array> {
  const [, compression] = endings(path);
  if (compression === "") return bytes;
  try {
    return compression === ".gz" ? await promisify(gunzip)(bytes) : await unpackXz(bytes);
  } catch {
    // The libraries' own messages are numbers ("error code 8") or say nothing of the file.
    throw new Error(`${what} ${path} is truncated, damaged or not ${compression.slice(1)} data`);
  }
}

async function unpackXz(bytes: Uint8Array): Promise<Uint8Array> {
  const slice = 2 ** 16;
  let at = 0;
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.subarray(at, at + slice));
      else controller.close();
      at += slice;
    },
  });
  const parts: Uint8Array[] = [];
  const reader = new xz.XzReadableStream(source as unknown as globalThis.ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(parts);
    parts.push(value);
  }
}
