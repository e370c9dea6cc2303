// The command as one folder beside the package webgpu and nothing else, as it is taken to a GPU machine.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { node, useFolder, withoutVulkan } from "../gpu/child.js";
import { tinyConfig } from "../model/fixtures.js";

const checkout = resolve(import.meta.dirname, "../..");
const folder = join(useFolder(), "bundle");
const main = join(folder, "dist", "cli", "main.js");
const hidden = withoutVulkan(join(folder, ".."));

beforeAll(async () => {
  const { code, stderr } = await node(["bundle.mjs", folder], { cwd: checkout, env: { BRAID_COMMIT: "a-commit" } });
  expect([code, stderr]).toEqual([0, ""]);
  mkdirSync(join(folder, "node_modules"));
  // webgpu and its two dependencies.
  for (const name of ["webgpu", "debug", "ms"]) {
    symlinkSync(join(checkout, "node_modules", name), join(folder, "node_modules", name));
  }
});

describe("the bundled command", () => {
  it("starts, and says of doctor what is missing", async () => {
    const { code, stdout } = await node([main, "doctor", "--json", "--adapter", "software"], {
      cwd: folder,
      env: hidden,
    });
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report.braid).toMatch(/^\d+\.\d+\.\d+/);
    expect(report.error).toContain("the optional package @sparticuz/chromium is not installed");
  });

  it.runIf(process.platform === "linux" && process.arch === "x64")(
    "computes on an adapter that it finds from the current folder",
    async () => {
      const { code, stdout } = await node([main, "doctor", "--json"], { cwd: checkout, env: hidden });
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, adapter: { software: true } });
    },
  );

  it.runIf(process.platform === "linux" && process.arch === "x64")("trains", async () => {
    const config = join(folder, "config.json");
    writeFileSync(config, JSON.stringify(tinyConfig("MT")));
    const out = join(folder, "run");
    const args = [
      "--data",
      "synthetic",
      "--tokens",
      "128",
      "--batch",
      "2",
      "--length",
      "32",
      "--validation-tokens",
      "64",
    ];
    const { code, stderr } = await node([main, "train", "--config", config, ...args, "--out", out], {
      cwd: checkout,
      env: hidden,
    });
    expect(code, stderr).toBe(0);
    const result = JSON.parse(readFileSync(join(out, "result.json"), "utf8"));
    expect(result.provenance.commit).toBe("a-commit");
    expect(result.provenance.kernels).toContain("matmul/quads");
    expect(result.result.steps).toBe(2);
  });

  it.runIf(process.platform === "linux" && process.arch === "x64")("takes turns with PyTorch", async () => {
    const fake = join(checkout, "test", "bench", "fake-pytorch.mjs");
    const args = ["--pattern", "T", "--length", "8", "--repeats", "1", "--seconds", "0.01", "--json"];
    const { code, stdout, stderr } = await node([main, "bench", "train", ...args, "--pytorch", "x", "--python", fake], {
      cwd: checkout,
      env: hidden,
    });
    expect(code, stderr).toBe(0);
    const { ratios, provenance } = JSON.parse(stdout);
    expect(ratios.map(({ against }: { against: string }) => against)).toEqual([
      "pytorch fp32",
      "pytorch bf16",
      "pytorch bf16-compile",
    ]);
    expect(provenance.commit).toBe("a-commit");
  });

  it("carries the tokenizers, and no package that only notebooks need", async () => {
    expect(existsSync(join(folder, "data", "tokenizers"))).toBe(true);
    const { code, stderr } = await node([main, "run"], { cwd: checkout, env: hidden });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^braid: .*Cannot find package/);
  });
});
