/** What an adapter is, as plain data: printed by `braid doctor`, kept in the provenance of a run. */
export interface GpuInfo {
  vendor: string;
  architecture: string;
  device: string;
  /** Name and, where the driver tells, its version. */
  description: string;
  backend: "dawn" | "browser";
  /** Computes on the processor (SwiftShader, lavapipe): right but slow; kernels have forms of their own for it. */
  software: boolean;
  /** Computes on the processor, but is given the GPUs' kernels, to test them ($BRAID_KERNELS = gpu); then `software` is false. */
  posing: boolean;
  features: string[];
  /** Dawn toggles asked for. */
  toggles: string[];
  /** The matrices of f16 that it multiplies into f32 (tensor cores), if it does. */
  matrices: MatrixShape | null;
  /** Names of the kernels compiled so far: which variants a run used. */
  kernels: string[];
}

/** Names of software Vulkan drivers as they describe themselves. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i;

/** Whether an adapter of this name computes on the processor. */
export function isSoftware(name: string): boolean {
  return softwareNames.test(name);
}

export function describeAdapter(adapter: GPUAdapter, backend: GpuInfo["backend"], toggles: string[]): GpuInfo {
  const { vendor, architecture, device, description } = adapter.info;
  const fallback = (adapter.info as { isFallbackAdapter?: boolean }).isFallbackAdapter === true;
  return {
    vendor,
    architecture,
    device,
    description,
    backend,
    software: fallback || isSoftware(`${vendor} ${architecture} ${device} ${description}`),
    posing: false,
    features: [...adapter.features].sort(),
    toggles,
    matrices: matrixShape(adapter),
    kernels: [],
  };
}

/** A subgroup of `lanes` invocations multiplies [m, k] by [k, n] at once. */
export interface MatrixShape {
  m: number;
  n: number;
  k: number;
  lanes: number;
}

interface MatrixConfig {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

/** The largest product of f16 into f32 that the adapter reports; none where subgroups have no one size that kernels can be cut for. */
function matrixShape(adapter: GPUAdapter): MatrixShape | null {
  const info = adapter.info as GPUAdapterInfo & { subgroupMatrixConfigs?: Iterable<MatrixConfig> };
  const { subgroupMinSize: lanes, subgroupMaxSize } = info;
  if (!adapter.features.has("shader-f16") || lanes === undefined || lanes !== subgroupMaxSize) return null;
  const shapes = [...(info.subgroupMatrixConfigs ?? [])]
    .filter(({ componentType, resultComponentType }) => componentType === "f16" && resultComponentType === "f32")
    .map(({ M: m, N: n, K: k }) => ({ m, n, k, lanes }));
  return shapes.sort((a, b) => b.m * b.n * b.k - a.m * a.n * a.k)[0] ?? null;
}
