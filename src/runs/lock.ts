import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { hostname } from "node:os";

/** Who holds a lock. */
interface Holder {
  pid: number;
  host: string;
  /** When that process started, in the kernel's ticks: process ids are used again. Absent where the system does not tell. */
  started?: string;
}

/** How errors call the one that holds a lock, and what to do instead of waiting. */
interface Words {
  holder: string;
  instead: string;
}

/**
 * Locks a file for this process, by `<file>.lock` beside it; a lock whose process has ended is taken over.
 * @returns what gives the lock back
 * @throws Error in one sentence when another process holds it, or one of another machine may hold it
 */
export function lock(file: string, words: Words = { holder: "sweep", instead: "give another --out" }): () => void {
  const path = `${file}.lock`;
  const own: Holder = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  const text = JSON.stringify(own);
  for (let tries = 0; tries < 10; tries++) {
    if (create(path, text)) return () => rmSync(path, { force: true });
    const found = read(path);
    if (found === undefined) continue;
    // Its holder has made it and not yet written; one that was killed just then leaves it so.
    if (found === "" && tries < 9) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      continue;
    }
    refuseIfHeld(found, file, path, words);
    // Whoever renames it first takes it over. What was renamed may already be the lock of one that was faster.
    const aside = `${path}.${process.pid}`;
    try {
      renameSync(path, aside);
    } catch {
      continue;
    }
    const taken = read(aside);
    rmSync(aside);
    if (taken !== found && taken !== undefined) create(path, taken);
  }
  throw new Error(`${path}: other processes keep taking this lock; try again.`);
}

function create(path: string, text: string): boolean {
  let handle: number;
  try {
    handle = openSync(path, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  writeSync(handle, text);
  closeSync(handle);
  return true;
}

/** Undefined where the lock is gone, as it may be at any moment. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function refuseIfHeld(text: string, file: string, path: string, { holder: other, instead }: Words): void {
  let holder: Holder;
  try {
    holder = JSON.parse(text) as Holder;
  } catch {
    throw new Error(`${path} cannot be read as a lock; remove it if no other ${other} writes to ${file}.`);
  }
  if (holder.host !== hostname()) {
    throw new Error(
      `${file} is being written by process ${holder.pid} on ${holder.host}; if that has ended, remove ${path}.`,
    );
  }
  if (runs(holder)) {
    throw new Error(`${file} is being written by another ${other}, process ${holder.pid}; wait for it, or ${instead}.`);
  }
}

function runs({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // A process of another user cannot be signalled, but it is there.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const now = startOf(pid);
  return now === undefined || started === undefined || now === started;
}

/** Linux tells when a process started, in field 22 of its stat; the second field, a name, may hold spaces. */
function startOf(pid: number): string | undefined {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return undefined;
  return readFileSync(stat, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")[19];
}
