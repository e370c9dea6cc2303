import type { Gpu } from "../gpu/gpu.js";
import type { Tensor } from "../gpu/tensor.js";

/** Loss and gradient norm of one step. */
export interface LoggedStep {
  loss: number;
  norm: number;
}

/**
 * Keeps the losses of steps on the GPU until someone asks, so that the host need not wait for every step:
 * a wait a step would leave the GPU idle between steps.
 */
export class LossLog {
  private readonly buffer: GPUBuffer;
  private pending = 0;

  constructor(
    readonly gpu: Gpu,
    readonly capacity: number,
  ) {
    this.buffer = gpu.buffer(capacity * 2, "loss log");
  }

  get full(): boolean {
    return this.pending === this.capacity;
  }

  /** Queues a copy of the step that was just submitted. @throws Error when the log is full: read it first. */
  append(loss: Tensor, norm: Tensor): void {
    if (this.full) throw new Error(`The loss log holds ${this.capacity} steps and is full`);
    const encoder = this.gpu.device.createCommandEncoder();
    const at = this.pending++ * 8;
    encoder.copyBufferToBuffer(loss.buffer, loss.offset * 4, this.buffer, at, 4);
    encoder.copyBufferToBuffer(norm.buffer, norm.offset * 4, this.buffer, at + 4, 4);
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /** Waits for the steps since the last call and returns them in order. */
  async take(): Promise<LoggedStep[]> {
    const count = this.pending;
    if (count === 0) return [];
    this.pending = 0;
    const values = new Float32Array(await this.gpu.read(this.buffer, 0, count * 2));
    return Array.from({ length: count }, (_, i) => ({ loss: values[2 * i], norm: values[2 * i + 1] }));
  }

  destroy(): void {
    this.buffer.destroy();
  }
}
