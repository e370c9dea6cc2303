import { Arena, download, upload } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { Recorder } from "../gpu/recorder.js";
import { convert } from "../ops/convert.js";
import { alternate, gpuBurst, type Rounds } from "./timing.js";

/** How fast a plain kernel copies memory. */
export interface CopyRate {
  /** Of each of the two buffers. */
  bytes: number;
  /** 1e9 bytes read and written a second, in the fastest of some bursts. */
  gigabytes: number;
}

/** Bytes of a buffer beyond every cache: the largest ones of processors and of GPUs have some tens of MiB. */
const wanted = (gpu: Gpu) =>
  Math.min(gpu.info.software ? 2 ** 26 : 2 ** 28, gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize);

/**
 * The bandwidth of the adapter's memory: a buffer copied by a kernel, checked before it is timed.
 * @throws Error when the copy is not the same
 */
export async function copyRate(gpu: Gpu, { repeats = 3, seconds = 0.1 }: Partial<Rounds> = {}): Promise<CopyRate> {
  const arena = new Arena(gpu);
  const recorder = new Recorder(gpu);
  const bytes = Math.floor(wanted(gpu) / 256) * 256;
  const size = bytes / 4;
  try {
    const [from, to] = ["copied", "copy"].map((label) => arena.alloc([size], label));
    // Plain loops: a call for each of 64 million elements takes seconds.
    const values = new Uint32Array(size);
    for (let i = 0; i < size; i++) values[i] = Math.imul(i, 2654435761);
    upload(gpu, from, values);
    convert(recorder, from, to, "copy");
    recorder.submit();
    const copied = new Uint32Array((await download(gpu, to)).buffer);
    let wrong = 0;
    while (wrong < size && copied[wrong] === values[wrong]) wrong++;
    if (wrong < size) {
      throw new Error(
        `A kernel that copies ${bytes} bytes gets element ${wrong} wrong on this adapter: don't train on it.`,
      );
    }
    const contender = { name: "copy", burst: (most: number) => gpuBurst(gpu, () => recorder.submit(), most) };
    const [{ least }] = await alternate([contender], { repeats, seconds });
    return { bytes, gigabytes: (2 * bytes) / least / 1e9 };
  } finally {
    recorder.destroy();
    arena.destroy();
  }
}
