import { defineConfig } from "vitest/config";

/** `npm run test:lab`: the workbook in a real JupyterLab. It installs Python packages, so `npm test` leaves it out. */
export default defineConfig({
  test: {
    name: "lab",
    include: ["test/lab/*.test.ts"],
    testTimeout: 120_000,
    // One story: what comes after a failed step would only fail again.
    bail: 1,
  },
});
