import { existsSync, readFileSync } from "node:fs";

const file = "/proc/driver/nvidia/version";

/** Whether NVIDIA's kernel module is loaded. */
export const hasNvidiaModule = (): boolean => existsSync(file);

/** Version of NVIDIA's kernel module, which it tells itself; undefined where there is none, or in words that are not known. */
export function nvidiaDriver(): string | undefined {
  return hasNvidiaModule() ? /\b\d{3}\.\d+(\.\d+)?\b/.exec(readFileSync(file, "utf8"))?.[0] : undefined;
}
