import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { advise, type Findings } from "../../src/cli/doctor/advice.js";
import type { Machine } from "../../src/cli/doctor/machine.js";
import type { GpuInfo } from "../../src/gpu/info.js";
import { cli, dist, node, useFolder, withoutVulkan } from "../gpu/child.js";

const folder = useFolder();
const hidden = withoutVulkan(folder);
const bundledRuns = process.platform === "linux" && process.arch === "x64";

describe.skipIf(!bundledRuns)("braid doctor on the software adapter", () => {
  it("prints adapter, driver, features, toggles, limits and a checked rate", async () => {
    const { code, stdout, stderr } = await node([cli, "doctor", "--adapter", "software"], { env: hidden });
    expect([code, stderr]).toEqual([0, ""]);
    for (const line of [
      /^braid +\d+\.\d+\.\d+, Node v\d+/m,
      /^adapter +google, swiftshader/m,
      /^ +software: computes on the processor/m,
      /^driver +SwiftShader/m,
      /^backend +dawn, webgpu \d+\.\d+\.\d+/m,
      /^features +timestamp-query (yes|no), shader-f16 (yes|no)/m,
      /^toggles +allow_unsafe_apis/m,
      /^limits +buffer \d+(\.\d)? [GM]iB/m,
      /^f32 matmul +256³ [\d.]+ GFLOP\/s.* \(checked: error ≤ /m,
      /^f16 matmul +not measured: this adapter has no matrices of f16/m,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  it("prints the same as JSON, and says what a software adapter means when any was asked for", async () => {
    const { code, stdout } = await node([cli, "doctor", "--json"], { env: hidden });
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ ok: true, error: null, adapter: { software: true, backend: "dawn" } });
    expect(report.matmul.f32[0]).toMatchObject({ precision: "f32", size: 256 });
    expect(report.matmul.f32[0].gflops).toBeGreaterThan(0);
    expect(report.missing[0].missing).toMatch(/^A GPU: this adapter computes on the processor, at [\d.]+ GFLOP\/s\.$/);
    expect(report.missing[0].remedy).toMatch(/16M tokens would take about \d+ (hours|days)/);
  });
});

describe("braid doctor without an adapter", () => {
  it.runIf(bundledRuns)("says how to get the software one, and exits with 1", async () => {
    const bare = join(folder, "bare");
    cpSync(dist, join(bare, "dist"), { recursive: true });
    writeFileSync(join(bare, "package.json"), '{ "type": "module", "version": "1.2.3" }');
    mkdirSync(join(bare, "node_modules"));
    const modules = resolve(dist, "../node_modules");
    for (const name of readdirSync(modules)) {
      if (name !== "@sparticuz") symlinkSync(join(modules, name), join(bare, "node_modules", name));
    }
    const { code, stdout } = await node(["dist/cli/main.js", "doctor"], { cwd: bare, env: hidden });
    expect(code).toBe(1);
    expect(stdout).toContain("No WebGPU adapter");
    expect(stdout).toContain("- A software adapter, to run without a GPU.\n  npm install @sparticuz/chromium@147");
  });

  it.runIf(process.platform === "linux")("still prints JSON when hardware was asked for", async () => {
    const { code, stdout } = await node([cli, "doctor", "--json", "--adapter", "hardware"], { env: hidden });
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ ok: false, adapter: null, matmul: { f32: [] } });
    expect(report.error).toContain("A hardware GPU was asked for");
  });

  it("refuses what is no kind of adapter", async () => {
    const flag = await node([cli, "doctor", "--adapter", "quantum"]);
    expect(flag.code).toBe(1);
    expect(flag.stderr).toContain("Allowed choices are any, hardware, software");
    const variable = await node([cli, "doctor"], { env: { ...hidden, BRAID_ADAPTER: "quantum" } });
    expect([variable.code, variable.stdout]).toEqual([1, ""]);
    expect(variable.stderr).toBe(
      'braid: BRAID_ADAPTER is "quantum"; it can be "any", "hardware", "software" or part of the name of an adapter, here: none.\n',
    );
  });
});

describe("advice", () => {
  const bare: Machine = { platform: "linux", arch: "x64", vulkanLoader: true, devices: [] };
  const remedies = (machine: Partial<Machine>, rest: Partial<Findings> = {}) =>
    advise({ machine: { ...bare, ...machine }, wish: "any", rates: [], ...rest })
      .map(({ missing, remedy }) => `${missing} ${remedy}`)
      .join("\n");
  const gpu: GpuInfo = {
    vendor: "nvidia",
    architecture: "hopper",
    device: "H100",
    description: "NVIDIA",
    backend: "dawn",
    software: false,
    features: ["shader-f16", "timestamp-query"],
    toggles: [],
    posing: false,
    matrices: null,
    kernels: [],
  };

  it("is none for a GPU that has everything", () => {
    expect(advise({ machine: bare, wish: "any", adapter: gpu, rates: [] })).toEqual([]);
  });

  it("names the features that a GPU lacks", () => {
    const text = remedies({}, { adapter: { ...gpu, features: [] } });
    expect(text).toContain("--profile can't time single kernels");
    expect(text).toContain("no 16-bit arithmetic");
  });

  it("names the packages of the Vulkan loader", () => {
    const text = remedies({ vulkanLoader: false, devices: ["/dev/dri/renderD128"] });
    expect(text).toContain("libvulkan1 (Debian, Ubuntu)");
    expect(text).toContain("A Vulkan driver for /dev/dri/renderD128. Install mesa-vulkan-drivers");
  });

  it("tells an NVIDIA container how to get at the Vulkan part of the driver", () => {
    expect(remedies({ nvidiaDriver: "550.54.15" })).toContain(
      "The Vulkan part of NVIDIA driver 550.54.15 (nvidia_icd.json). In a container, start it with NVIDIA_DRIVER_CAPABILITIES=all",
    );
    expect(remedies({ nvidiaDriver: "550.54.15", nvidiaIcd: "/odd/place/nvidia_icd.json" })).toContain(
      "Set VK_DRIVER_FILES=/odd/place/nvidia_icd.json",
    );
  });

  it("notices an environment that hides the GPU", () => {
    const text = remedies({ nvidiaDriver: "550.54.15", vkDriverFiles: "/x/lvp_icd.json" });
    expect(text).toContain("Drivers other than VK_DRIVER_FILES=/x/lvp_icd.json");
  });

  it("does not miss a GPU where software was asked for, nor software where hardware was", () => {
    expect(remedies({ bundled: "147.0.0" }, { wish: "software", adapter: { ...gpu, software: true } })).toBe("");
    expect(remedies({}, { wish: "hardware" })).not.toContain("sparticuz");
    expect(remedies({ platform: "darwin", arch: "arm64" })).toContain("is for x64 Linux, this is darwin arm64");
  });
});
