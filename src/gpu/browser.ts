import type { Choices } from "./choices.node.js";
import { describeAdapter, type GpuInfo } from "./info.js";

export interface AdapterChoice {
  adapter: GPUAdapter;
  info: GpuInfo;
  /** Whether the device is to have WebGPU's default limits only. */
  defaultLimits?: boolean;
}

/** Which adapter to take: the best there is, a hardware one or none, or the software one. */
export type AdapterWish = "any" | "hardware" | "software";

/** A browser keeps no files: choices are made again in each page. */
export const loadChoices = (_info: GpuInfo): Choices => new Map();
export const saveChoices = (_info: GpuInfo, _choices: Choices): void => {};

/**
 * The browser's adapter. The Node build puts `node.ts` in this file's place (package.json, field "browser").
 * @throws Error when the browser has no WebGPU or no adapter.
 */
export async function chooseAdapter(wish: AdapterWish): Promise<AdapterChoice> {
  if (typeof navigator === "undefined" || !navigator.gpu) {
    throw new Error(
      "This browser has no WebGPU (navigator.gpu is missing): use a recent Chrome, Edge, Safari or Firefox.",
    );
  }
  const adapter = await navigator.gpu.requestAdapter({
    powerPreference: "high-performance",
    forceFallbackAdapter: wish === "software",
  });
  if (!adapter) throw new Error("The browser has WebGPU but offers no adapter; chrome://gpu says why.");
  const info = describeAdapter(adapter, "browser", []);
  if (wish === "hardware" && info.software) {
    throw new Error(`A hardware adapter was asked for, but the browser only offers ${info.description}.`);
  }
  return { adapter, info };
}
