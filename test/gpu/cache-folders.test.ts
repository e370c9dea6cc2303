import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { bytesCodec } from "../../src/data/codec.js";
import { loadText } from "../../src/data/node.js";
import { cacheFolder, cacheFolders } from "../../src/gpu/cache-folders.js";

/** A folder as on a read-only disk: whoever runs the tests as root may write everywhere. */
const denied = vi.hoisted((): { folder?: string } => ({}));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const accessSync = (path: string, mode?: number) => {
    if (denied.folder !== undefined && path.startsWith(denied.folder)) throw new Error(`EROFS: ${path}`);
    fs.accessSync(path, mode);
  };
  return { ...fs, accessSync };
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "braid-cache-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test("the first cache folder that can be written is taken, and made", () => {
  const wanted = join(folder, "deep", "cache");
  vi.stubEnv("BRAID_CACHE", wanted);
  expect(cacheFolder()).toBe(wanted);
  expect(existsSync(wanted)).toBe(true);
  // A file stands where the folder would be.
  const blocked = join(folder, "file");
  writeFileSync(blocked, "");
  vi.stubEnv("BRAID_CACHE", join(blocked, "cache"));
  expect(cacheFolders()[0]).toBe(join(blocked, "cache"));
  expect(cacheFolder()).toBe(cacheFolders()[1]);
});

test("what is cached already is found where nothing can be written", () => {
  const baked = join(folder, "baked");
  mkdirSync(join(baked, "hub", "a--b"), { recursive: true });
  vi.stubEnv("BRAID_CACHE", baked);
  denied.folder = baked;
  expect(cacheFolder()).not.toBe(baked);
  expect(cacheFolder(join("hub", "a--b"))).toBe(baked);
  expect(cacheFolder(join("hub", "c--d"))).not.toBe(baked);
  denied.folder = undefined;
});

test("a text is read where its tokens cannot be kept", async () => {
  const text = join(folder, "text.txt");
  writeFileSync(text, "Words, and more words. ".repeat(200));
  const blocked = join(folder, "file");
  writeFileSync(blocked, "");
  const codec = { ...bytesCodec(), kind: "bpe" as const };
  const dataset = await loadText({ train: text, codec, cache: join(blocked, "cache") });
  expect(dataset.train.ids.length).toBeGreaterThan(1000);
});
