import type { FoundAdapter } from "./adapters.node.js";
import type { AdapterChoice, AdapterWish } from "./browser.js";
import { describeAdapter } from "./info.js";
import { hasSystemVulkan, loadSoftwareVulkan } from "./software.js";

export { loadChoices, saveChoices } from "./choices.node.js";

/**
 * Dawn keeps features behind toggles: timestamps in full resolution, f16 and subgroup matrices on NVIDIA. Kernels write
 * workgroup memory before they read it, and zeroing it first takes SwiftShader seconds of compiling a pipeline.
 */
const toggles = ["allow_unsafe_apis", "vulkan_enable_f16_on_nvidia", "disable_workgroup_init"];
const disabled = ["timestamp_quantization"];

// A Dawn instance that is garbage-collected takes its adapters with it, so instances live as long as the process.
const instances: GPU[] = [];

async function newInstance(extra: string[], name?: string): Promise<{ gpu: GPU; toggles: string[] }> {
  const { create } = await import("webgpu");
  const enabled = [...toggles, ...extra];
  const gpu = create([
    `enable-dawn-features=${enabled.join(",")}`,
    `disable-dawn-features=${disabled.join(",")}`,
    ...(name === undefined ? [] : [`adapter=${name}`]),
  ]);
  instances.push(gpu);
  return { gpu, toggles: [...enabled, ...disabled.map((name) => `-${name}`)] };
}

async function find(extra: string[] = [], name?: string): Promise<AdapterChoice | undefined> {
  const { gpu, toggles } = await newInstance(extra, name);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return undefined;
  const info = describeAdapter(adapter, "dawn", toggles);
  const posing = info.software && posesAsGpu();
  return {
    adapter,
    info: { ...info, software: info.software && !posing, posing },
    defaultLimits: oneOf("BRAID_LIMITS", ["adapter", "default"]) === "default",
  };
}

/**
 * Whether a software adapter is to be taken for a GPU, so that the kernels meant for those run: to test them without one.
 * @throws Error when $BRAID_KERNELS is neither "gpu" nor "auto".
 */
function posesAsGpu(): boolean {
  return oneOf("BRAID_KERNELS", ["auto", "gpu"]) === "gpu";
}

/** The value of an environment variable, the first of `values` by default. @throws Error when it is none of them */
function oneOf<Value extends string>(name: string, values: readonly Value[]): Value {
  const asked = process.env[name] || values[0];
  const known = values.find((value) => value === asked);
  if (known !== undefined) return known;
  const list = values.map((value) => `"${value}"`);
  throw new Error(`${name} is "${asked}"; it can be ${list.slice(0, -1).join(", ")} or ${list.at(-1)}.`);
}

const kinds = ["any", "hardware", "software"] as const satisfies readonly AdapterWish[];

/**
 * What is wanted after all: a wish for "any" adapter is narrowed by $BRAID_ADAPTER, to a kind or to the first adapter
 * whose name contains it.
 */
export function adapterWish(wish: AdapterWish): AdapterWish | { name: string } {
  const asked = process.env.BRAID_ADAPTER || "any";
  if (wish !== "any") return wish;
  return kinds.find((kind) => kind === asked) ?? { name: asked };
}

/** Whether an adapter is the one that npm brought. */
const isBundled = ({ env }: FoundAdapter) => env?.BRAID_ADAPTER === "software";

/** What is said of a $BRAID_ADAPTER that is no kind and in no adapter's name. */
export function noSuchAdapter(name: string, adapters: readonly FoundAdapter[]): string {
  // The one that npm brought is there in the word "software".
  const names = adapters.filter((found) => !isBundled(found)).map((found) => `"${found.name}"`);
  const here = names.length > 0 ? [...new Set(names)].join(", ") : "none";
  return `BRAID_ADAPTER is "${name}"; it can be "any", "hardware", "software" or part of the name of an adapter, here: ${here}.`;
}

/**
 * Adapter order (design §5): a discrete GPU, any GPU, a software Vulkan of the system, the one that npm brought.
 * $BRAID_ADAPTER = hardware | software | part of a name narrows the choice; $BRAID_TOGGLES adds Dawn toggles
 * (comma-separated); $BRAID_KERNELS = gpu runs the GPUs' kernels on a software adapter; $BRAID_LIMITS = default asks for no more than
 * WebGPU's default limits.
 * @throws Error naming every place that was looked at.
 */
export async function chooseAdapter(asked: AdapterWish): Promise<AdapterChoice> {
  const wish = adapterWish(asked);
  const extra = (process.env.BRAID_TOGGLES ?? "").split(",").filter(Boolean);
  if (typeof wish === "object") return named(wish.name, extra);
  if (wish !== "software") {
    const choice = hasSystemVulkan() ? await find([...unchecked, ...extra]) : undefined;
    if (choice && isGpu(choice)) return choice;
    if (wish === "hardware") {
      throw new Error(
        choice
          ? `A hardware GPU was asked for, but Dawn only finds ${choice.info.description}.`
          : "A hardware GPU was asked for, but Dawn finds none: is a Vulkan (Linux), Metal or D3D12 driver installed?",
      );
    }
    const system = choice && (await find(extra));
    if (system) return system;
  }
  const problem = loadSoftwareVulkan();
  const choice = problem ? undefined : await find(extra);
  if (choice) return choice;
  throw new Error(
    `No WebGPU adapter: Dawn finds no GPU, and ${problem ?? "the bundled software adapter did not answer"}. Run "braid doctor".`,
  );
}

/**
 * Kernels stay in bounds (test/gpu/bounds.test.ts), so GPUs go without the clamping of every index. In software it costs a fifth of the
 * time, but there a kernel that did write past its buffer would write into this process.
 */
const unchecked = ["disable_robustness"];
const isGpu = ({ info }: AdapterChoice) => !info.software && !info.posing;

async function named(name: string, extra: string[]): Promise<AdapterChoice> {
  // Dawn refuses a name that no adapter has.
  const choice = hasSystemVulkan() ? await find([...unchecked, ...extra], name).catch(() => undefined) : undefined;
  const found = choice && !isGpu(choice) ? await find(extra, name) : choice;
  if (found) return found;
  const { listAdapters } = await import("./adapters.node.js");
  const adapters = await listAdapters();
  // The one that npm brought is no driver of the system: Dawn finds it once it is loaded.
  const bundled = adapters.find(isBundled);
  if (bundled?.name.toLowerCase().includes(name.toLowerCase())) return chooseAdapter("software");
  throw new Error(noSuchAdapter(name, adapters));
}
