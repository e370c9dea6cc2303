// What goes wrong on a device shows as an error with a clear message, and never as a wait without end.
import { describe, expect, it } from "vitest";
import { Arena, download, tensorFrom } from "../../src/gpu/arena.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { Recorder } from "../../src/gpu/recorder.js";
import { matmul, matrix } from "../../src/ops/matmul.js";
import { random } from "../ops/harness.js";
import { gpuScript } from "./child.js";

async function withGpu(body: (gpu: Gpu) => Promise<void>): Promise<void> {
  const gpu = await Gpu.open();
  try {
    await body(gpu);
  } finally {
    gpu.close();
  }
}

describe("a lost device", () => {
  it("fails the reads that wait for it, and everything after", () =>
    withGpu(async (gpu) => {
      const buffer = gpu.buffer(1 << 20, "activations");
      const read = gpu.read(buffer, 0, 1 << 20);
      gpu.device.destroy();
      await expect(read).rejects.toThrow("The GPU device was lost (destroyed)");
      await expect(gpu.idle()).rejects.toThrow("The GPU device was lost");
      expect(() => gpu.check()).toThrow("The GPU device was lost");
      expect(() => new Recorder(gpu).submit()).toThrow("The GPU device was lost");
    }));

  it("is not called lost when it was closed", async () => {
    const gpu = await Gpu.open();
    const read = gpu.read(gpu.buffer(16, "x"), 0, 16);
    gpu.close();
    gpu.close();
    await expect(read).rejects.toThrow("The GPU device was closed.");
  });
});

describe("a mistake in a command", () => {
  it("shows at the next wait and stops later steps", () =>
    withGpu(async (gpu) => {
      const recorder = new Recorder(gpu);
      const x = tensorFrom(gpu, [64], "x");
      // This kernel has three bindings.
      recorder.dispatch({ kernel: "matmul/reduce", constants: { ACCUMULATE: false }, bindings: [x], groups: [1] });
      const mistake = /^GPU validation error: Number of entries \(1\)/;
      await expect(gpu.idle()).rejects.toThrow(mistake);
      expect(() => recorder.submit()).toThrow(mistake);
    }));

  it("in WGSL is shown with the compiler's words", () =>
    withGpu(async (gpu) => {
      gpu.pipeline("matmul/reduce", { constants: { ACCUMULATE: false }, before: "const x = undeclared;\n" });
      await expect(gpu.idle()).rejects.toThrow(/matmul\/reduce[\s\S]*undeclared|undeclared[\s\S]*matmul\/reduce/);
    }));
});

describe("memory", () => {
  it("over the limit of one buffer is refused with its name, the sizes and what to do", () =>
    withGpu(async (gpu) => {
      const most = Math.min(gpu.limits.maxBufferSize, gpu.limits.maxStorageBufferBindingSize);
      expect(() => gpu.buffer(most / 4 + 4, "logits")).toThrow(
        /^Buffer "logits" needs [\d.]+ MiB, this adapter allows [\d.]+ MiB: use fewer sequences a step/,
      );
      await gpu.idle();
    }));

  it.skipIf(process.platform !== "linux")("that runs out gives a clear error, naming the buffer", async () => {
    const { code, signal, stdout, stderr } = await gpuScript(
      `const { execFileSync } = await import("node:child_process");
       const { readFileSync } = await import("node:fs");
       const gpu = await Gpu.open({ adapter: "software" });
       await gpu.read(gpu.buffer(64, "x"), 0, 64);
       // Only now, when every thread has its stack and heap: a process limited from its start died in them now and then. Of
       // address space there is what is in use, one of the four gigabyte buffers, and most of another to spare.
       const used = Number(/VmSize:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
       execFileSync("prlimit", ["--pid", String(process.pid), "--as=" + (used + 1_900_000) * 1024 + ":"]);
       try {
         for (let i = 0; i < 4; i++) { gpu.buffer(2 ** 28 - 64, "weights " + i); await gpu.idle(); }
       } catch (error) { console.log(error.message); }
       execFileSync("prlimit", ["--pid", String(process.pid), "--as=unlimited:"]);
       gpu.close();`,
    );
    expect({ code, signal }, stderr).toEqual({ code: 0, signal: null });
    // Dawn prints its own lines before.
    expect(stdout.trim().split("\n").at(-1)).toMatch(
      /^The GPU is out of memory: use fewer sequences a step, .*"weights \d"/,
    );
  });

  it("that the driver reports by losing the device is called by its name", async () => {
    const device = { lost: Promise.resolve({ reason: "unknown", message: "VK_ERROR_OUT_OF_DEVICE_MEMORY" }) };
    const gpu: Gpu = Reflect.construct(Gpu, [device, {}]);
    await expect(gpu.orLost(new Promise(() => {}))).rejects.toThrow("The GPU is out of memory");
  });
});

describe("WebGPU's default limits", () => {
  it("are enough for matmul", async () => {
    const gpu = await Gpu.open({ defaultLimits: true });
    try {
      expect(gpu.limits.maxStorageBuffersPerShaderStage).toBe(8);
      expect(gpu.limits.maxComputeWorkgroupStorageSize).toBe(16384);
      const [m, n, k] = [130, 129, 40];
      const [a, b] = [random([m, k], 1), random([k, n], 2)];
      for (const software of [true, false]) {
        const as = Object.create(gpu, { info: { value: { ...gpu.info, software } } });
        const recorder = new Recorder(as);
        const c = tensorFrom(gpu, [m, n], "c");
        matmul(recorder, new Arena(gpu), {
          a: matrix(tensorFrom(gpu, [m, k], "a", a)),
          b: matrix(tensorFrom(gpu, [k, n], "b", b)),
          c: matrix(c),
        });
        recorder.submit();
        const product = await download(gpu, c);
        let expected = 0;
        for (let l = 0; l < k; l++) expected += a[(m - 1) * k + l] * b[l * n + n - 1];
        expect(product[m * n - 1]).toBeCloseTo(expected, 4);
      }
    } finally {
      gpu.close();
    }
  });
});
