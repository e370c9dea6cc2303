import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // A process a file: each opens its own GPU device, and a lost device takes one file with it, not the suite.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: "braid", include: ["test/**/*.test.ts"], exclude: ["test/lab/**"] } },
      {
        // What an integrated GPU runs: the kernels for GPUs, within WebGPU's default limits. Operations that need many buffers
        // or much workgroup memory, a whole model's gradient, and experts in training.
        extends: true,
        test: {
          name: "small GPU",
          include: [
            "test/ops/{cross-entropy,embedding,norm,selective-scan}.test.ts",
            "test/model/language-model.test.ts",
            "test/train/experts.test.ts",
          ],
          env: { BRAID_LIMITS: "default", BRAID_KERNELS: "gpu" },
        },
      },
    ],
  },
});
