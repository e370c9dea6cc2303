import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nvidiaDriver } from "../gpu/nvidia.node.js";
import type { Provenance } from "./types.js";

/** What a device says of itself; `gpu.info` has these fields. */
export interface AdapterFacts {
  vendor: string;
  architecture: string;
  device: string;
  description: string;
  backend: string;
  features: readonly string[];
  toggles?: readonly string[];
  software: boolean;
  posing?: boolean;
  kernels?: readonly string[];
}

/**
 * Where a run that ends now was made.
 * @param wallSeconds seconds from the run's start, compilation and validation included
 */
export function provenance(adapter: AdapterFacts, wallSeconds: number): Provenance {
  return {
    commit: commit(),
    adapter: adapterName(adapter),
    driver: driver(adapter),
    software: adapter.software || adapter.posing === true,
    features: [...adapter.features].sort(),
    toggles: [...(adapter.toggles ?? [])].sort(),
    kernels: [...(adapter.kernels ?? [])].sort(),
    dawn: dawnVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    date: new Date().toISOString(),
    wallSeconds: Math.round(wallSeconds * 10) / 10,
  };
}

function adapterName({ vendor, architecture, device, description, backend }: AdapterFacts): string {
  const name = [...new Set([vendor, architecture, device, description])].filter((part) => part !== "").join(" ");
  return `${name || "unnamed adapter"} (${backend || "unknown backend"})`;
}

/** The NVIDIA kernel module knows its own version; elsewhere the adapter's description is all there is. */
function driver({ vendor, description }: AdapterFacts): string {
  const version = /nvidia/i.test(vendor) ? nvidiaDriver() : undefined;
  return version === undefined ? description : `NVIDIA ${version}`;
}

/**
 * A bundle that runs outside a checkout is told its commit when it is made
 * (`esbuild --define:process.env.BRAID_COMMIT=…`) or by the environment.
 */
function commit(): string {
  if (process.env.BRAID_COMMIT) return process.env.BRAID_COMMIT;
  const cwd = fileURLToPath(new URL("../../", import.meta.url));
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    // An installed package may lie inside someone else's repository: that one's commit says nothing.
    if (realpathSync(git("rev-parse", "--show-toplevel")) !== realpathSync(cwd)) return "unknown";
    const dirty = git("status", "--porcelain", "--untracked-files=no", "--", "src", "kernels") !== "";
    return git("rev-parse", "HEAD") + (dirty ? "+dirty" : "");
  } catch {
    return "unknown";
  }
}

function dawnVersion(): string {
  try {
    // The package exports no package.json, so it is looked for above the entry point.
    let folder = dirname(createRequire(import.meta.url).resolve("webgpu"));
    while (!existsSync(join(folder, "package.json")) && folder !== dirname(folder)) folder = dirname(folder);
    return String((JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: unknown }).version);
  } catch {
    return "unknown";
  }
}
