// The software adapter that npm brings, in processes of its own: with no Vulkan on the system, in caches good and bad.
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { dist, gpuScript, useFolder, withoutVulkan } from "./child.js";

const folder = useFolder();
const hidden = withoutVulkan(folder);
const bundledRuns = process.platform === "linux" && process.arch === "x64";
const describeBundled = describe.skipIf(!bundledRuns);

/** Opens a device, computes nothing, prints what it is. */
const open = `const gpu = await Gpu.open(); console.log(JSON.stringify(gpu.info)); gpu.close();`;
/** Prints the message of the error that opening a device with `options` gives. */
const refuse = (options = "{}") =>
  `await Gpu.open(${options}).then(() => console.log("opened"), (error) => console.log(error.message));`;

describeBundled("the bundled software adapter", () => {
  it("is found with the system's Vulkan loader hidden", async () => {
    const { code, stdout, stderr } = await gpuScript(
      `import { hasSystemVulkan } from ${JSON.stringify(join(dist, "gpu", "software.js"))};
       console.log(hasSystemVulkan()); ${open}`,
      { env: hidden },
    );
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const [system, info] = stdout.trim().split("\n");
    expect(system).toBe("false");
    expect(JSON.parse(info)).toMatchObject({ backend: "dawn", software: true, architecture: "swiftshader" });
  });

  it("is unpacked once by processes that start together", async () => {
    const cache = join(folder, "race");
    const runs = await Promise.all([1, 2, 3, 4].map(() => gpuScript(open, { env: { ...hidden, BRAID_CACHE: cache } })));
    for (const { code, stderr } of runs) expect([code, stderr]).toEqual([0, ""]);
    expect(readdirSync(cache)).toEqual([expect.stringMatching(/^swiftshader-\d+\.\d+\.\d+$/)]);
  });

  it("is unpacked again where files are missing", async () => {
    const cache = join(folder, "damaged");
    await gpuScript(open, { env: { ...hidden, BRAID_CACHE: cache } });
    const [name] = readdirSync(cache);
    rmSync(join(cache, name, "libvk_swiftshader.so"));
    const { code, stderr } = await gpuScript(open, { env: { ...hidden, BRAID_CACHE: cache } });
    expect([code, stderr]).toEqual([0, ""]);
    expect(statSync(join(cache, name, "libvk_swiftshader.so")).size).toBeGreaterThan(1e6);
  });

  it("goes to the temporary folder where the cache can't be written", async () => {
    const [file, temporary] = [join(folder, "a-file"), join(folder, "temporary")];
    writeFileSync(file, "");
    mkdirSync(temporary);
    const { code, stderr } = await gpuScript(open, {
      env: { ...hidden, BRAID_CACHE: join(file, "cache"), TMPDIR: temporary },
    });
    expect([code, stderr]).toEqual([0, ""]);
    expect(readdirSync(temporary)).toEqual([expect.stringMatching(/^braid-\w+$/)]);
  });

  it("says so where neither can be written", async () => {
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    const { stdout } = await gpuScript(refuse(), { env: { ...hidden, BRAID_CACHE: file, TMPDIR: file } });
    expect(stdout).toContain("it could not be unpacked");
    expect(stdout).toContain("set BRAID_CACHE to a folder that can be written");
  });

  it("needs no HOME", async () => {
    const { code, stderr } = await gpuScript(open, {
      env: { ...hidden, HOME: undefined, XDG_CACHE_HOME: undefined, BRAID_CACHE: undefined },
    });
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("is named with the command that installs it where it is missing", async () => {
    // The built package with its dependencies, but without the optional peer.
    const bare = join(folder, "bare");
    cpSync(join(dist, "gpu"), join(bare, "dist", "gpu"), { recursive: true });
    writeFileSync(join(bare, "package.json"), '{ "type": "module" }');
    mkdirSync(join(bare, "node_modules"));
    for (const name of ["webgpu", "debug", "ms"]) {
      symlinkSync(resolve(dist, "../node_modules", name), join(bare, "node_modules", name));
    }
    const { stdout } = await gpuScript(refuse(), { from: join(bare, "dist"), cwd: bare, env: hidden });
    expect(stdout).toContain(
      "No WebGPU adapter: Dawn finds no GPU, and the optional package @sparticuz/chromium is not",
    );
    expect(stdout).toContain("npm install @sparticuz/chromium@147");
  });
});

describe("BRAID_ADAPTER", () => {
  it("refuses what is no kind of adapter and in no name, and names what there is", async () => {
    const { stdout } = await gpuScript(refuse(), { env: { ...hidden, BRAID_ADAPTER: "nonsense" } });
    expect(stdout.trim()).toBe(
      'BRAID_ADAPTER is "nonsense"; it can be "any", "hardware", "software" or part of the name of an adapter, here: none.',
    );
  });

  it.runIf(bundledRuns)("takes the software adapter where that is asked for", async () => {
    // By its kind, or by its name as "braid doctor" prints it.
    const named = await gpuScript(open, { env: { ...hidden, BRAID_ADAPTER: "swiftshader" } });
    expect(JSON.parse(named.stdout)).toMatchObject({ software: true, architecture: "swiftshader" });
    const { stdout } = await gpuScript(open, { env: { BRAID_ADAPTER: "software" } });
    expect(JSON.parse(stdout)).toMatchObject({ software: true });
  });

  it("fails rather than fall back where hardware is asked for", async () => {
    const env = { ...hidden, BRAID_ADAPTER: "hardware" };
    const { stdout } = await gpuScript(refuse(), { env });
    if (process.platform === "linux") expect(stdout).toContain("A hardware GPU was asked for, but Dawn finds none");
  });

  it.runIf(bundledRuns)("yields to what the program asks for", async () => {
    const env = { ...hidden, BRAID_ADAPTER: "hardware" };
    const { stdout } = await gpuScript(refuse('{ adapter: "software" }'), { env });
    expect(stdout.trim()).toBe("opened");
  });
});

describe("BRAID_LIMITS and BRAID_KERNELS", () => {
  const limits = `const gpu = await Gpu.open();
    console.log(gpu.limits.maxStorageBuffersPerShaderStage, gpu.limits.maxComputeWorkgroupStorageSize, gpu.info.software); gpu.close();`;

  it.each(["BRAID_LIMITS", "BRAID_KERNELS"])("%s refuses what it does not know", async (name) => {
    const { stdout } = await gpuScript(refuse(), { env: { [name]: "tiny" } });
    expect(stdout).toMatch(new RegExp(`^${name} is "tiny"; it can be "\\w+" or "\\w+"\\.\n$`));
  });

  it.runIf(bundledRuns)("make of the software adapter what an integrated GPU is", async () => {
    const env = { ...hidden, BRAID_LIMITS: "default", BRAID_KERNELS: "gpu" };
    expect((await gpuScript(limits, { env })).stdout).toBe("8 16384 false\n");
    expect((await gpuScript(limits, { env: hidden })).stdout).toBe("12 32768 true\n");
  });
});

describe("a process with a device", () => {
  it("ends by itself after close", async () => {
    const { code, seconds } = await gpuScript(`${open} process.on("exit", () => console.log("ending"));`);
    expect(code).toBe(0);
    expect(seconds).toBeLessThan(30);
  });

  it("ends without a crash when close was forgotten, in the middle of work or not", async () => {
    const forgotten = `const gpu = await Gpu.open(); const buffer = gpu.buffer(1024, "left"); await gpu.read(buffer, 0, 4);`;
    const results = await Promise.all([
      gpuScript(`${forgotten} console.log("done");`),
      gpuScript(`${forgotten} gpu.read(buffer, 0, 1024); console.log("done"); process.exit(0);`),
    ]);
    for (const { code, stdout } of results) expect([code, stdout]).toEqual([0, "done\n"]);
  });
});
