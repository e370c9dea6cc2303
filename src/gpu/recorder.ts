import { GPUBufferUsageFlags, type Gpu, type KernelConstants } from "./gpu.js";
import type { KernelName } from "./kernels.generated.js";
import type { Profile, Work } from "./profile.js";
import { bytesIn, bytesOf, sizeOf, type Tensor, typeOf } from "./tensor.js";

interface Dispatch extends Work {
  kind: "dispatch";
  label: string;
  pipeline: GPUComputePipeline;
  bindings: GPUBindGroup;
  groups: [number, number, number];
}
interface Copy {
  kind: "copy";
  from: Tensor;
  to: Tensor;
}
type Command = Dispatch | Copy;

export interface DispatchOptions {
  kernel: KernelName;
  constants?: KernelConstants;
  /** WGSL between the constants and the kernel. */
  before?: string;
  /** Storage bindings 1, 2, … of group 0, in order. */
  bindings: Tensor[];
  /** Fields of the uniform at binding 0: u32 as they are, f32 through `float`. Leave out where the kernel has none. */
  params?: number[];
  /** Workgroups in x, y, z; more than the limit in x are folded into y where the kernel says so (see `spread`). */
  groups: [number, number?, number?];
  /** Name in the profile; the kernel's by default. */
  label?: string;
  /** For the profile: see `Work`. By default no products, and every bound tensor moved once. */
  flops?: number;
  bytes?: number;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The bits of an f32 as the u32 that `params` carries. */
export function float(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/** Bytes between the uniform blocks of two dispatches: WebGPU's default minUniformBufferOffsetAlignment. */
const uniformStride = 256;
const uniformBlocks = 256;

/**
 * Workgroups for `count` items, at most 65535 in x, the rest in y: kernels that may get more compute their index as
 * `group.y * groups.x + group.x` (num_workgroups.x) and return past the end.
 */
export function spread(count: number): [number, number] {
  const most = 65535;
  if (count <= most) return [Math.max(1, count), 1];
  const y = Math.ceil(count / most);
  return [Math.ceil(count / y), y];
}

/**
 * Records dispatches once, with pipelines, bind groups and parameters all made, and replays them any number of times in
 * one submission (design §1.3). What changes from step to step reaches the kernels as data in buffers.
 */
export class Recorder {
  private readonly commands: Command[] = [];
  private readonly uniforms: { buffer: GPUBuffer; data: Uint32Array; used: number }[] = [];
  private sealed = false;

  /** Whether activations are kept in f16, and products are of f16 summed in f32: in mixed precision, where the adapter has f16. */
  readonly halves: boolean;

  constructor(
    readonly gpu: Gpu,
    precision: "f32" | "mixed" = "f32",
  ) {
    this.halves = precision === "mixed" && gpu.has("shader-f16");
  }

  get dispatches(): number {
    return this.commands.filter((command) => command.kind === "dispatch").length;
  }

  dispatch(options: DispatchOptions): void {
    const { kernel, constants, before, bindings, params, groups, label = kernel } = options;
    const halves = bindings.flatMap((tensor, index) => (typeOf(tensor) === "f16" ? [index + 1] : []));
    const pipeline = this.gpu.pipeline(kernel, { constants, before, halves });
    const entries: GPUBindGroupEntry[] = bindings.map((tensor, index) => {
      const { buffer } = tensor;
      const offset = tensor.offset * bytesOf(tensor);
      // Whole vec4s, as a kernel may read them, but not over the buffer's end.
      const size = Math.min(Math.ceil((Math.max(4, sizeOf(tensor)) * bytesOf(tensor)) / 16) * 16, buffer.size - offset);
      return { binding: index + 1, resource: { buffer, offset, size } };
    });
    if (params) entries.unshift({ binding: 0, resource: this.uniform(params) });
    const group = this.gpu.device.createBindGroup({ label, layout: pipeline.getBindGroupLayout(0), entries });
    const [x, y = 1, z = 1] = groups;
    const { flops = 0, bytes = bytesIn(bindings) } = options;
    this.commands.push({ kind: "dispatch", label, pipeline, bindings: group, groups: [x, y, z], flops, bytes });
  }

  /** @throws Error when the two are of different types: bytes are copied as they are. */
  copy(from: Tensor, to: Tensor): void {
    if (typeOf(from) !== typeOf(to)) {
      throw new Error(`${from.label} is ${typeOf(from)}, ${to.label} is ${typeOf(to)}: a copy converts nothing`);
    }
    // Copies of the tensors: those of a tape may lie elsewhere at another point of the recording.
    this.commands.push({ kind: "copy", from: { ...from }, to: { ...to } });
  }

  /** Runs everything recorded so far, in one submission. */
  submit(profile?: Profile): void {
    this.seal();
    this.gpu.check();
    const encoder = this.gpu.device.createCommandEncoder();
    if (profile) this.encodeTimed(encoder, profile);
    else this.encode(encoder);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  destroy(): void {
    for (const { buffer } of this.uniforms) buffer.destroy();
  }

  /** All dispatches between two copies share a pass: the driver still orders those that depend on each other. */
  private encode(encoder: GPUCommandEncoder): void {
    let pass: GPUComputePassEncoder | undefined;
    let current: GPUComputePipeline | undefined;
    for (const command of this.commands) {
      if (command.kind === "dispatch") {
        if (!pass) {
          pass = encoder.beginComputePass();
          current = undefined;
        }
        if (command.pipeline !== current) pass.setPipeline(command.pipeline);
        current = command.pipeline;
        pass.setBindGroup(0, command.bindings);
        pass.dispatchWorkgroups(...command.groups);
      } else {
        pass?.end();
        pass = undefined;
        this.transfer(encoder, command);
      }
    }
    pass?.end();
  }

  /** A pass a dispatch, each with its two timestamps. */
  private encodeTimed(encoder: GPUCommandEncoder, profile: Profile): void {
    for (const command of this.commands) {
      if (command.kind === "dispatch") {
        const pass = encoder.beginComputePass({ timestampWrites: profile.next(command) });
        pass.setPipeline(command.pipeline);
        pass.setBindGroup(0, command.bindings);
        pass.dispatchWorkgroups(...command.groups);
        pass.end();
      } else this.transfer(encoder, command);
    }
    profile.resolve(encoder);
  }

  private transfer(encoder: GPUCommandEncoder, { from, to }: Copy): void {
    const bytes = bytesOf(from);
    const size = Math.ceil((sizeOf(from) * bytes) / 4) * 4;
    encoder.copyBufferToBuffer(from.buffer, from.offset * bytes, to.buffer, to.offset * bytes, size);
  }

  private uniform(params: number[]): GPUBufferBinding {
    if (params.length * 4 > uniformStride)
      throw new Error(`${params.length} kernel parameters; ${uniformStride / 4} fit`);
    let block = this.uniforms.at(-1);
    if (!block || block.used === uniformBlocks) {
      const size = uniformStride * uniformBlocks;
      const usage = GPUBufferUsageFlags.UNIFORM | GPUBufferUsageFlags.COPY_DST;
      const buffer = this.gpu.device.createBuffer({ label: "parameters", size, usage });
      block = { buffer, data: new Uint32Array(size / 4), used: 0 };
      this.uniforms.push(block);
    }
    const offset = block.used++ * uniformStride;
    block.data.set(params, offset / 4);
    this.sealed = false;
    return { buffer: block.buffer, offset, size: Math.ceil(params.length / 4) * 16 };
  }

  private seal(): void {
    if (this.sealed) return;
    for (const { buffer, data } of this.uniforms) this.gpu.device.queue.writeBuffer(buffer, 0, data);
    this.sealed = true;
  }
}
