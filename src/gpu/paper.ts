import { Gpu } from "./gpu.js";
import type { GpuInfo } from "./info.js";

/** What a plan depends on of an adapter. */
export interface Adapter {
  info: GpuInfo;
  device: Pick<GPUDevice, "limits" | "features">;
}

/** A GPU without limits on buffers, with f16 and tensor cores, for plans of machines that are not at hand. */
export const anyHardware: Adapter = {
  info: {
    software: false,
    features: ["shader-f16"],
    matrices: { m: 16, n: 16, k: 16, lanes: 32 },
    kernels: [],
  } as unknown as GpuInfo,
  device: {
    limits: {
      maxBufferSize: 2 ** 53,
      maxStorageBufferBindingSize: 2 ** 53,
      maxComputeWorkgroupStorageSize: 48 * 1024,
    } as GPUSupportedLimits,
    features: new Set(["shader-f16"]) as unknown as GPUSupportedFeatures,
  },
};

/**
 * An adapter on paper: what is recorded with it is never run, compiles nothing and takes no memory, but asks the arena for the
 * same tensors in the same order as on the adapter itself.
 * @param onBind told the bytes of each storage buffer (or part of one) that a dispatch binds
 */
export function paperGpu({ info, device: { limits, features } }: Adapter, onBind?: (bytes: number) => void): Gpu {
  const device = {
    limits,
    features,
    createBuffer: ({ size }: GPUBufferDescriptor) => ({ size, destroy: () => undefined }),
    createBindGroup: ({ entries }: GPUBindGroupDescriptor) => {
      for (const { binding, resource } of entries) if (binding > 0) onBind?.((resource as GPUBufferBinding).size!);
      return {};
    },
    queue: { writeBuffer: () => undefined },
  };
  const pipeline = () => ({ getBindGroupLayout: () => ({}) });
  return Object.create(Gpu.prototype, {
    device: { value: device },
    info: { value: info },
    choices: { value: new Map() },
    pipeline: { value: pipeline },
  });
}
