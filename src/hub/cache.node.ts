/**
 * Models from a hub on the disk, below the folder of all caches:
 *
 *   hub/<owner>--<name>/<commit>/       a model folder
 *   hub/<owner>--<name>/<commit>.json   the files that the commit has, with their checksums
 *   hub/<owner>--<name>/revisions.json  which commit each branch or tag last was
 */

import { createHash, type Hash, randomUUID } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { writeAtomically } from "../data/files.node.js";
import { cacheFolder } from "../gpu/cache-folders.js";
import { HubError } from "./errors.js";
import type { HubFile } from "./source.node.js";

export class ModelCache {
  private readonly folder: string;

  /** @param base folder of all caches: $BRAID_CACHE, or ~/.cache/braid and its like, unless given */
  constructor(
    readonly repo: string,
    base?: string,
  ) {
    const own = join("hub", repo.replace("/", "--"));
    this.folder = join(base ?? cacheFolder(own), own);
  }

  /** The model folder of a commit. */
  folderOf(commit: string): string {
    return join(this.folder, commit);
  }

  /** The commit that a revision was when it was last looked up. */
  lastCommit(revision: string): string | undefined {
    return readRecord<Record<string, string>>(join(this.folder, "revisions.json"))?.[revision];
  }

  rememberCommit(revision: string, commit: string): void {
    if (this.lastCommit(revision) === commit) return;
    const path = join(this.folder, "revisions.json");
    this.write(path, { ...readRecord<Record<string, string>>(path), [revision]: commit });
  }

  /** What a commit holds, if it was listed before. */
  files(commit: string): HubFile[] | undefined {
    return readRecord<HubFile[]>(join(this.folder, `${commit}.json`));
  }

  rememberFiles(commit: string, files: HubFile[]): void {
    this.write(join(this.folder, `${commit}.json`), files);
  }

  /** Whether a file is there; "damaged" when its bytes are not those that its checksum was taken of. All are read. */
  async state(file: HubFile, commit: string): Promise<"whole" | "absent" | "damaged"> {
    const path = join(this.folderOf(commit), file.name);
    if (!existsSync(path)) return "absent";
    if (statSync(path).size !== file.size) return "damaged";
    const hash = hasherFor(file);
    await pipeline(createReadStream(path), hash);
    return hash.digest("hex") === file.checksum.value ? "whole" : "damaged";
  }

  /**
   * Puts a file in its place once it is whole and has its checksum; else leaves nothing.
   * @param bytes a ReadableStream, or any iterable of pieces
   * @throws HubError when these are not the listed bytes; what `bytes` throws; Error when the disk is full and the like
   */
  async store(
    file: HubFile,
    commit: string,
    bytes: AsyncIterable<Uint8Array>,
    { signal, onBytes }: { signal?: AbortSignal; onBytes?: (bytes: number) => void },
  ): Promise<void> {
    const folder = this.folderOf(commit);
    const path = join(folder, file.name);
    // Two at once, even in one process, do not write to the same file.
    const temporary = `${path}.${randomUUID()}.tmp`;
    const hash = hasherFor(file);
    let size = 0;
    const check = async function* (source: AsyncIterable<Uint8Array>) {
      for await (const piece of source) {
        hash.update(piece);
        size += piece.length;
        onBytes?.(size);
        yield piece;
      }
    };
    try {
      mkdirSync(folder, { recursive: true });
      removeAbandoned(folder);
      // Opened here: a stream that opens its file by itself may do so after a failure has already removed it below.
      const fd = openSync(temporary, "wx");
      await pipeline(bytes, check, createWriteStream(temporary, { fd }), { signal });
      const listed = `${file.name} of ${this.repo}`;
      if (size !== file.size) {
        throw new HubError("wrong", `${listed} came with ${size} bytes, but the hub lists it with ${file.size}.`);
      }
      const found = hash.digest("hex");
      if (found !== file.checksum.value) {
        const kind = file.checksum.kind === "sha256" ? "SHA-256" : "git checksum";
        const message = `${listed} came with the ${kind} ${found}, but the hub lists it with ${file.checksum.value}.`;
        throw new HubError("wrong", message);
      }
      renameSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  private write(path: string, record: unknown): void {
    try {
      writeAtomically(path, `${JSON.stringify(record, null, 1)}\n`);
    } catch (cause) {
      const message = `${this.folder} cannot be written (${(cause as Error).message}); BRAID_CACHE names another folder.`;
      throw new Error(message, { cause });
    }
  }
}

/** Whatever can't be read counts as not there: it is a cache. */
function readRecord<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    return undefined;
  }
}

function hasherFor({ checksum, size }: HubFile): Hash {
  // https://git-scm.com/book/en/v2/Git-Internals-Git-Objects: git hashes a header before the content.
  return checksum.kind === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

/** Removes what downloads left that were killed: temporary files that nothing was written to for an hour. */
function removeAbandoned(folder: string): void {
  for (const name of readdirSync(folder).filter((name) => name.endsWith(".tmp"))) {
    const path = join(folder, name);
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > 3_600_000) rmSync(path, { force: true });
  }
}
