/** Putting a whole site into its place at once, and never into that of something else. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Lists what a site consists of: everything else in the folder is somebody's. */
const manifest = "braid-site.json";

/**
 * Writes the files (path in the site, text) into a folder beside `out` and renames it into place: a reader sees the old site
 * or the new one. Returns the folder.
 * @throws Error when `out` is there and is no site of braid's
 */
export function writeSite(out: string, files: ReadonlyMap<string, string>): string {
  requireOwn(out);
  // A link to the site's folder stays a link.
  const place = existsSync(out) ? realpathSync(out) : resolve(out);
  mkdirSync(dirname(place), { recursive: true });
  const fresh = `${place}.${process.pid}.tmp`;
  const old = `${fresh}.old`;
  rmSync(fresh, { recursive: true, force: true });
  try {
    const own = { generator: "braid report", files: [...files.keys()].sort() };
    for (const [path, text] of [...files, [manifest, `${JSON.stringify(own, null, 2)}\n`]] as const) {
      mkdirSync(dirname(join(fresh, path)), { recursive: true });
      writeFileSync(join(fresh, path), text);
    }
    if (existsSync(place)) renameSync(place, old);
    try {
      renameSync(fresh, place);
    } catch (error) {
      if (existsSync(old)) renameSync(old, place);
      throw error;
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
  return place;
}

/** Throws when the folder is there and holds anything but a site of braid's; empty is well. */
export function requireOwn(out: string): void {
  if (!existsSync(out)) return;
  if (!statSync(out).isDirectory()) throw new Error(`${out} is not a folder; name another one with --out.`);
  const found = readdirSync(out, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !statSync(join(out, path)).isDirectory() && !path.endsWith(".DS_Store"));
  if (found.length === 0) return;
  const own = ownFiles(join(out, manifest));
  if (!own)
    throw new Error(`${out} is there and is not a site that braid report wrote; name another folder with --out.`);
  const stranger = found.find((path) => path !== manifest && !own.has(path));
  if (stranger !== undefined)
    throw new Error(
      `${out} also holds ${stranger}, which braid report did not write; move it, or name another folder with --out.`,
    );
}

function ownFiles(path: string): Set<string> | undefined {
  try {
    const { generator, files } = JSON.parse(readFileSync(path, "utf8")) as { generator?: unknown; files?: unknown };
    return generator === "braid report" && Array.isArray(files) ? new Set(files.map(String)) : undefined;
  } catch {
    return undefined;
  }
}
