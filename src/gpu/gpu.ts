import type { AdapterWish } from "./browser.js";
import type { Choices } from "./choices.node.js";
import { inHalves } from "./half-storage.js";
import type { GpuInfo } from "./info.js";
import { type KernelName, kernels } from "./kernels.generated.js";

/** Constants put in front of a kernel's text, e.g. { HEAD_DIM: 64 }: whole numbers become u32, strings are taken as WGSL. */
export type KernelConstants = Record<string, number | boolean | string>;

export interface PipelineOptions {
  constants?: KernelConstants;
  before?: string;
  halves?: readonly number[];
}

export interface GpuOptions {
  adapter?: AdapterWish;
  /** Ask for WebGPU's default limits only, to try what a small GPU would do. */
  defaultLimits?: boolean;
}

/** Limits beyond WebGPU's defaults that kernels and buffers make use of. */
const wantedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxStorageBuffersPerShaderStage",
] as const;
const wantedFeatures: GPUFeatureName[] = [
  "timestamp-query",
  "shader-f16",
  "subgroups",
  "chromium-experimental-subgroup-matrix" as GPUFeatureName,
];

/** A device with its compiled kernels. Open one a process; close it so that Node can exit. */
export class Gpu {
  /** The first thing that went wrong on the device since it was opened. */
  private failure: Error | undefined;
  private readonly lost: Promise<never>;
  private readonly pipelines = new Map<string, GPUComputePipeline>();
  private closed = false;

  /**
   * @param choices which form of a kernel was fastest here, by what it was asked for (src/ops/time-products.ts)
   * @param save keeps them for the next process
   */
  private constructor(
    readonly device: GPUDevice,
    readonly info: GpuInfo,
    readonly choices: Choices = new Map(),
    private readonly save: (info: GpuInfo, choices: Choices) => void = () => {},
  ) {
    this.lost = device.lost.then(({ reason, message }) => {
      if (!this.closed) this.failure ??= new Error(explainLoss(reason, message));
      throw this.failure ?? new Error("The GPU device was closed.");
    });
    this.lost.catch(() => {});
    device.onuncapturederror = ({ error }) => {
      this.failure ??= new Error(explain(error));
    };
  }

  /** @throws Error when there is no adapter, or it refuses a device. */
  static async open(options: GpuOptions = {}): Promise<Gpu> {
    const { chooseAdapter, loadChoices, saveChoices } =
      typeof process === "undefined" ? await import("./browser.js") : await import("./node.js");
    const { adapter, info, defaultLimits } = await chooseAdapter(options.adapter ?? "any");
    const requiredLimits: Record<string, number> = {};
    if (!options.defaultLimits && !defaultLimits)
      for (const name of wantedLimits) requiredLimits[name] = adapter.limits[name];
    const requiredFeatures = wantedFeatures.filter((name) => adapter.features.has(name));
    const device = await adapter.requestDevice({ requiredLimits, requiredFeatures }).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`The adapter ${info.description || info.device} refuses a device: ${reason}`);
    });
    return new Gpu(device, info, loadChoices(info), saveChoices);
  }

  get limits(): GPUSupportedLimits {
    return this.device.limits;
  }

  /** Keeps `choices` for the next process on this adapter. */
  keepChoices(): void {
    this.save(this.info, this.choices);
  }

  has(feature: GPUFeatureName): boolean {
    return this.device.features.has(feature);
  }

  /** @throws the first error that the device reported (validation, memory, loss). */
  check(): void {
    if (this.failure) throw this.failure;
  }

  /** Waits for `work`, or fails as soon as the device is lost: a lost device never answers. */
  async orLost<Value>(work: Promise<Value>): Promise<Value> {
    const value = await Promise.race([work, this.lost]).catch(async (error: unknown) => {
      // What the device itself reports comes a moment after the call that failed, and says more.
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.check();
      throw error;
    });
    this.check();
    return value;
  }

  /** Waits until everything submitted has run. */
  async idle(): Promise<void> {
    await this.orLost(this.device.queue.onSubmittedWorkDone());
  }

  /**
   * A storage buffer of `size` elements of 4 bytes.
   * @throws Error when it is over the adapter's limit; running out of memory shows at the next `check`.
   */
  buffer(size: number, label: string, usage = 0): GPUBuffer {
    const bytes = Math.max(16, Math.ceil(size / 4) * 16);
    const most = Math.min(this.limits.maxBufferSize, this.limits.maxStorageBufferBindingSize);
    if (bytes > most) {
      throw new Error(
        `Buffer "${label}" needs ${mebibytes(bytes)} MiB, this adapter allows ${mebibytes(most)} MiB: use fewer sequences a step, or a shorter context.`,
      );
    }
    return this.device.createBuffer({
      label,
      size: bytes,
      usage: GPUBufferUsageFlags.STORAGE | GPUBufferUsageFlags.COPY_SRC | GPUBufferUsageFlags.COPY_DST | usage,
    });
  }

  /**
   * The compiled kernel `name` (kernels/<name>.wgsl) with `constants` in front; compiled once a device.
   * `before` is WGSL put between the constants and the kernel: shared pieces or unrolled loops. `halves` are the bindings
   * whose tensors are kept in f16.
   */
  pipeline(name: KernelName, { constants = {}, before = "", halves = [] }: PipelineOptions = {}): GPUComputePipeline {
    const prelude = Object.entries(constants).map(([key, value]) => `const ${key} = ${literal(value)};\n`);
    const text = prelude.join("") + before + kernels[name];
    const code = directivesFirst(halves.length ? inHalves(text, halves) : text);
    let pipeline = this.pipelines.get(code);
    if (!pipeline) {
      const module = this.device.createShaderModule({ label: name, code });
      const compute = { module, entryPoint: "main" };
      pipeline = this.device.createComputePipeline({ label: name, layout: "auto", compute });
      this.pipelines.set(code, pipeline);
      if (!this.info.kernels.includes(name)) this.info.kernels.push(name);
    }
    return pipeline;
  }

  /** Copies `size` elements starting at element `offset` of a buffer to the host. */
  async read(buffer: GPUBuffer, offset: number, size: number): Promise<ArrayBuffer> {
    const bytes = size * 4;
    const usage = GPUBufferUsageFlags.MAP_READ | GPUBufferUsageFlags.COPY_DST;
    const staging = this.device.createBuffer({ label: "readback", size: Math.max(16, bytes), usage });
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset * 4, staging, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    try {
      await this.orLost(staging.mapAsync(GPUMapModeFlags.READ, 0, Math.max(16, bytes)));
      return staging.getMappedRange(0, Math.max(16, bytes)).slice(0, bytes);
    } finally {
      if (!this.failure) staging.destroy();
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.device.destroy();
  }
}

/** WebGPU's flag constants are globals of a browser only; the numbers are the specification's. */
export const GPUBufferUsageFlags = {
  MAP_READ: 0x1,
  MAP_WRITE: 0x2,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  QUERY_RESOLVE: 0x200,
} as const;
export const GPUMapModeFlags = { READ: 0x1 } as const;

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

function literal(value: number | boolean | string): string {
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? `${value}u` : `f32(${value})`;
}

/** WGSL wants `enable` and its like before everything else; joined pieces have them where they need them. */
function directivesFirst(code: string): string {
  const directives = new Set<string>();
  const rest = code.replace(/^(?:enable|diagnostic)\b[^;]*;\n/gm, (line) => {
    directives.add(line);
    return "";
  });
  return [...directives].join("") + rest;
}

function outOfMemory(message: string): string {
  const lines = message.split("\n").map((line) => line.trim());
  // Which buffer it was, but not where in Dawn's sources that showed.
  const detail = lines.filter((line) => line !== "" && !line.startsWith("at ")).join(" ");
  return `The GPU is out of memory: use fewer sequences a step, a shorter context or a smaller model. (${detail})`;
}

/** Some drivers answer a failed allocation by giving up the whole device. */
function explainLoss(reason: string, message: string): string {
  if (/out of (device |host )?memory|OUT_OF_(DEVICE_|HOST_)?MEMORY/i.test(message)) return outOfMemory(message);
  return `The GPU device was lost (${reason}): ${message || "no reason given"}`;
}

function explain(error: GPUError): string {
  const kind = error.constructor.name.replace(/^GPU|Error$/g, "");
  if (kind === "OutOfMemory") return outOfMemory(error.message);
  return `GPU ${kind.toLowerCase()} error: ${error.message}`;
}
