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
