import { afterEach, describe, expect, test, vi } from "vitest";
import { type AdapterFacts, provenance } from "../../src/runs/provenance.js";

const adapter: AdapterFacts = {
  vendor: "acme",
  architecture: "gen 3",
  device: "",
  description: "Acme 3000 driver 1.2",
  backend: "dawn",
  features: ["subgroups", "shader-f16"],
  toggles: ["b", "a"],
  software: false,
  kernels: ["matmul/tiled"],
};
afterEach(() => vi.unstubAllEnvs());

describe("provenance", () => {
  test("names the adapter, the driver and the versions", () => {
    expect(provenance(adapter, 12.34)).toMatchObject({
      adapter: "acme gen 3 Acme 3000 driver 1.2 (dawn)",
      driver: "Acme 3000 driver 1.2",
      software: false,
      features: ["shader-f16", "subgroups"],
      toggles: ["a", "b"],
      kernels: ["matmul/tiled"],
      dawn: expect.stringMatching(/^\d+\.\d+\.\d+/),
      node: process.version,
      date: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      wallSeconds: 12.3,
    });
  });

  test("takes the commit that a bundle was made from, else asks git", () => {
    vi.stubEnv("BRAID_COMMIT", "0123abc");
    expect(provenance(adapter, 1).commit).toBe("0123abc");
    vi.stubEnv("BRAID_COMMIT", "");
    expect(provenance(adapter, 1).commit).toMatch(/^([0-9a-f]{40}(\+dirty)?|unknown)$/);
  });
});
