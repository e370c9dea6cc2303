import { GPUBufferUsageFlags, type Gpu } from "./gpu.js";

/** What a dispatch has to do, at the least. */
export interface Work {
  /** Additions and multiplications of its products; 0 for what only passes over its tensors. */
  flops: number;
  /** Bytes that come from memory and go there, each once. */
  bytes: number;
}

/** Time that one kind of dispatch took in a step, and the work that it did in it. */
export interface ProfileRow extends Work {
  label: string;
  dispatches: number;
  milliseconds: number;
}

const capacity = 4096;

/** GPU timestamps around every dispatch of one submission. Passes are split for it, so the sum is over the plain time. */
export class Profile {
  private readonly sets: GPUQuerySet[] = [];
  private readonly timed: ({ label: string } & Work)[] = [];
  private resolved: { buffer: GPUBuffer; count: number }[] = [];

  /** @throws Error when the adapter has no timestamps. */
  constructor(readonly gpu: Gpu) {
    if (!gpu.has("timestamp-query")) throw new Error("This adapter has no timestamp queries, so it can't be profiled.");
  }

  next(dispatch: { label: string } & Work): GPUComputePassTimestampWrites {
    const index = this.timed.push(dispatch) - 1;
    const set = Math.floor((2 * index) / capacity);
    if (!this.sets[set]) this.sets[set] = this.gpu.device.createQuerySet({ type: "timestamp", count: capacity });
    const first = (2 * index) % capacity;
    return { querySet: this.sets[set], beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
  }

  resolve(encoder: GPUCommandEncoder): void {
    for (const [index, set] of this.sets.entries()) {
      const count = Math.min(capacity, 2 * this.timed.length - index * capacity);
      const buffer = this.gpu.buffer(capacity * 2, "timestamps", GPUBufferUsageFlags.QUERY_RESOLVE);
      encoder.resolveQuerySet(set, 0, count, buffer, 0);
      this.resolved.push({ buffer, count });
    }
  }

  /** Rows by label, the longest first. */
  async rows(): Promise<ProfileRow[]> {
    const rows = new Map<string, ProfileRow>();
    let index = 0;
    for (const { buffer, count } of this.resolved) {
      const times = new BigUint64Array(await this.gpu.read(buffer, 0, count * 2));
      for (let i = 0; i < count; i += 2) {
        const { label, flops, bytes } = this.timed[index++];
        const row = rows.get(label) ?? { label, dispatches: 0, milliseconds: 0, flops: 0, bytes: 0 };
        row.dispatches++;
        row.flops += flops;
        row.bytes += bytes;
        row.milliseconds += Number(times[i + 1] - times[i]) / 1e6;
        rows.set(label, row);
      }
      buffer.destroy();
    }
    for (const set of this.sets) set.destroy();
    this.resolved = [];
    return [...rows.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  }
}
