import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Folders for what braid unpacks or computes once, the best first: $BRAID_CACHE, else $XDG_CACHE_HOME/braid or
 * ~/.cache/braid; and one of this user's own among the temporary files, for homes that are missing or read-only.
 */
export function cacheFolders(): string[] {
  const folders = [join(tmpdir(), `braid-${process.getuid?.() ?? "cache"}`)];
  const { BRAID_CACHE, XDG_CACHE_HOME } = process.env;
  if (BRAID_CACHE) folders.unshift(BRAID_CACHE);
  else if (XDG_CACHE_HOME) folders.unshift(join(XDG_CACHE_HOME, "braid"));
  else {
    try {
      folders.unshift(join(homedir(), ".cache", "braid"));
    } catch {
      // A user id without an entry in the list of users (containers) has no home.
    }
  }
  return folders;
}

/**
 * The first of them that has what is looked for, be it read-only; else the first that can be written, which is made if need be; else the
 * last, for what is told when writing fails.
 * @param wanted path inside a cache folder
 */
export function cacheFolder(wanted?: string): string {
  const folders = cacheFolders();
  const having = wanted === undefined ? undefined : folders.find((folder) => existsSync(join(folder, wanted)));
  if (having !== undefined) return having;
  const writable = folders.find((folder) => {
    try {
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  });
  return writable ?? folders[folders.length - 1];
}
