import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll } from "vitest";

/** The built package: `npm test` builds it first. */
export const dist = resolve(import.meta.dirname, "../../dist");
export const cli = join(dist, "cli", "main.js");

/** A folder for the tests of a file, removed after them. */
export function useFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "braid-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface ChildResult {
  code: number | null;
  /** What ended it, when nothing of its own did. */
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

export interface ChildOptions {
  /** Added to the environment; undefined removes. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** The Node to run; by default the one that runs the tests. */
  binary?: string;
}

/** Runs Node with `args`; killed (code null) when it does not end by itself within a minute. */
export function node(
  args: string[],
  { env = {}, cwd, binary = process.execPath }: ChildOptions = {},
): Promise<ChildResult> {
  const all: NodeJS.ProcessEnv = { ...process.env, ...env };
  for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
  const start = performance.now();
  const child = spawn(binary, args, {
    env: all,
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code, signal) =>
      done({ code, signal, stdout, stderr, seconds: (performance.now() - start) / 1000 }),
    );
  });
}

/** Runs module text that may use `Gpu` from the built package. */
export function gpuScript(text: string, options: ChildOptions & { from?: string } = {}): Promise<ChildResult> {
  const module = pathToFileURL(join(options.from ?? dist, "gpu", "gpu.js")).href;
  return node(["--input-type=module", "-e", `import { Gpu } from ${JSON.stringify(module)};\n${text}`], options);
}

/**
 * Environment in which the system's Vulkan loader can't be loaded: an empty file of its name comes first in the search.
 */
export function withoutVulkan(folder: string): Record<string, string | undefined> {
  const hiding = join(folder, "hiding");
  mkdirSync(hiding, { recursive: true });
  writeFileSync(join(hiding, "libvulkan.so.1"), "");
  return {
    LD_LIBRARY_PATH: hiding,
    VK_DRIVER_FILES: undefined,
    VK_ICD_FILENAMES: undefined,
    BRAID_ADAPTER: undefined,
    BRAID_LIMITS: undefined,
    BRAID_KERNELS: undefined,
  };
}
