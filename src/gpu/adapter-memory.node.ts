/** How much memory an adapter has: WebGPU does not say (Dawn for Node leaves memory heaps out), so the system is asked. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { join } from "node:path";

export interface AdapterMemory {
  bytes: number;
  /** Who said so. */
  source: string;
}

/** What the adapter has to give: free memory where it is told, the whole elsewhere; undefined where nothing tells. */
export async function memoryOf({
  name,
  software,
}: {
  name: string;
  software: boolean;
}): Promise<AdapterMemory | undefined> {
  if (software) return { bytes: freemem(), source: "the system's free memory" };
  // Metal advises programs to stay within three quarters of the memory that GPU and processor share.
  if (process.platform === "darwin") return { bytes: 0.75 * totalmem(), source: "3/4 of the shared memory" };
  if (/nvidia/i.test(name)) return nvidiaMemory(name);
  return /\b(amd|radeon)\b/i.test(name) ? amdMemory() : undefined;
}

function nvidiaMemory(name: string): Promise<AdapterMemory | undefined> {
  const query = ["--query-gpu=name,memory.free", "--format=csv,noheader,nounits"];
  return new Promise((resolve) => {
    execFile("nvidia-smi", query, { timeout: 30_000 }, (error, stdout) => {
      const bytes = error ? undefined : leastFree(stdout, name);
      resolve(bytes === undefined ? undefined : { bytes, source: "nvidia-smi" });
    });
  });
}

/** Of the cards of one name, the bytes that the fullest has free: cards of one name are not told apart there. */
export function leastFree(csv: string, name: string): number | undefined {
  const free = csv.split("\n").flatMap((line) => {
    const [, card, mebibytes] = /^(.*), *(\d+)\s*$/.exec(line) ?? [];
    return card === name ? [Number(mebibytes) * 2 ** 20] : [];
  });
  return free.length > 0 ? Math.min(...free) : undefined;
}

/** The kernel tells of each AMD card, but not its name in Vulkan: the smallest one's memory is safe for all. */
function amdMemory(drm = "/sys/class/drm"): AdapterMemory | undefined {
  if (!existsSync(drm)) return undefined;
  const sizes = readdirSync(drm)
    .map((card) => join(drm, card, "device", "mem_info_vram_total"))
    .filter((file) => existsSync(file))
    .map((file) => Number(readFileSync(file, "utf8")));
  return sizes.length > 0 ? { bytes: Math.min(...sizes), source: "amdgpu" } : undefined;
}
