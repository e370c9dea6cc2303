/** What an adapter is, as plain data: printed by `braid doctor`, kept in the provenance of a run. */
export interface GpuInfo {
  vendor: string;
  architecture: string;
  device: string;
  /** Name and, where the driver tells, its version. */
  description: string;
  backend: "dawn" | "browser";
  /** Computes on the processor (SwiftShader, lavapipe): right but slow. */
  software: boolean;
  features: string[];
  /** Dawn toggles asked for. */
  toggles: string[];
  /** Whether it multiplies matrices of 16 × 16 × 16 of f16 into f32, in subgroups of 32 (tensor cores). */
  matrices: boolean;
  /** Names of the kernels compiled so far: which variants a run used. */
  kernels: string[];
}

/** Names of software Vulkan drivers as they describe themselves. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i;

export function describeAdapter(adapter: GPUAdapter, backend: GpuInfo["backend"], toggles: string[]): GpuInfo {
  const { vendor, architecture, device, description } = adapter.info;
  const fallback = (adapter.info as { isFallbackAdapter?: boolean }).isFallbackAdapter === true;
  return {
    vendor,
    architecture,
    device,
    description,
    backend,
    software: fallback || softwareNames.test(`${vendor} ${architecture} ${device} ${description}`),
    features: [...adapter.features].sort(),
    toggles,
    matrices: hasMatrices(adapter),
    kernels: [],
  };
}

interface MatrixConfig {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

function hasMatrices(adapter: GPUAdapter): boolean {
  const info = adapter.info as GPUAdapterInfo & { subgroupMatrixConfigs?: Iterable<MatrixConfig> };
  if (!adapter.features.has("shader-f16") || info.subgroupMinSize !== 32 || info.subgroupMaxSize !== 32) return false;
  return [...(info.subgroupMatrixConfigs ?? [])].some(
    ({ componentType, resultComponentType, M, N, K }) =>
      componentType === "f16" && resultComponentType === "f32" && M === 16 && N === 16 && K === 16,
  );
}
