import { createRequire } from "node:module";
import { type MatmulRate, matmulRates } from "../../bench/matmul.js";
import { type FoundAdapter, listAdapters } from "../../gpu/adapters.node.js";
import type { AdapterWish } from "../../gpu/browser.js";
import { Gpu } from "../../gpu/gpu.js";
import type { GpuInfo } from "../../gpu/info.js";
import { adapterWish, noSuchAdapter } from "../../gpu/node.js";
import { provenance } from "../../runs/provenance.js";
import { type Advice, advise } from "./advice.js";
import { lookAtMachine, type Machine } from "./machine.js";

/** Limits that decide what fits: buffers, bindings, workgroups. */
const limitNames = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** What `braid doctor --json` prints. */
export interface DoctorReport {
  /** An adapter was found and its products are right. */
  ok: boolean;
  braid: string;
  node: string;
  platform: string;
  /** Version of the npm package webgpu, which is Dawn. */
  dawn: string;
  adapter: GpuInfo | null;
  /** All that this machine has; `braid sweep --adapters` takes their numbers and names. */
  adapters: FoundAdapter[];
  driver: string | null;
  limits: Record<string, number>;
  /** Toggles asked of Dawn; "-name" is one that is switched off. */
  toggles: string[];
  matmul: { f32: MatmulRate[]; mixed: MatmulRate[] };
  machine: Machine;
  missing: Advice[];
  /** Why there is no adapter, or none that can be used. */
  error: string | null;
}

/**
 * Opens a device, times it and looks for what is missing. Want of an adapter is not thrown: the report says so.
 * @throws Error when BRAID_ADAPTER is nonsense.
 */
export async function diagnose(asked: AdapterWish): Promise<DoctorReport> {
  const narrowed = adapterWish(asked);
  const machine = lookAtMachine();
  const adapters = await listAdapters();
  if (typeof narrowed === "object" && !adapters.some(({ name }) => name.includes(narrowed.name))) {
    throw new Error(noSuchAdapter(narrowed.name, adapters));
  }
  const wish = typeof narrowed === "object" ? "any" : narrowed;
  const report: DoctorReport = {
    ok: false,
    braid: ownVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    dawn: "unknown",
    adapter: null,
    adapters,
    driver: null,
    limits: {},
    toggles: [],
    matmul: { f32: [], mixed: [] },
    machine,
    missing: [],
    error: null,
  };
  let gpu: Gpu | undefined;
  try {
    gpu = await Gpu.open({ adapter: wish });
    describe(report, gpu);
    report.matmul.f32 = await matmulRates(gpu, "f32");
    if (gpu.info.matrices) report.matmul.mixed = await matmulRates(gpu, "mixed");
    report.ok = true;
  } catch (error) {
    report.error = (error instanceof Error ? error.message : String(error)).replace(/ Run "braid doctor"\.$/, "");
  } finally {
    gpu?.close();
  }
  report.missing = advise({ machine, wish, adapter: report.adapter ?? undefined, rates: report.matmul.f32 });
  return report;
}

function describe(report: DoctorReport, { info, limits }: Gpu): void {
  const { dawn, driver } = provenance(info, 0);
  report.adapter = info;
  report.driver = driver;
  report.dawn = dawn;
  report.toggles = info.toggles;
  for (const name of limitNames) report.limits[name] = limits[name];
}

/** The version of the package that this file, or the bundle it went into, lies in. */
function ownVersion(): string {
  for (const path of ["../../../package.json", "../../package.json"]) {
    try {
      const { name, version } = createRequire(import.meta.url)(path) as { name: string; version: string };
      if (name === "braid-lm") return version;
    } catch {
      // Not there: one folder fewer in a bundle.
    }
  }
  return "unknown";
}
