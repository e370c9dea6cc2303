import { describe, expect, it } from "vitest";
import { leastFree } from "../../src/gpu/adapter-memory.node.js";
import { type Lister, listAdapters, namesIn } from "../../src/gpu/adapters.node.js";
import { cli, node, useFolder, withoutVulkan } from "./child.js";

const hidden = withoutVulkan(useFolder());
const bundledRuns = process.platform === "linux" && process.arch === "x64";
/** What is listed besides the adapter that npm brings. */
const listed = async (ask: Lister, pci: string[] = [], files: string[] = []) =>
  (await listAdapters(ask, pci, files)).filter(({ env }) => env?.BRAID_ADAPTER !== "software");

describe("the adapters of a machine", () => {
  it("are read from Dawn's refusal, of one backend", () => {
    const refusal = `no suitable backends found
Available adapters:
 * backend: 'vulkan', name: 'llvmpipe (LLVM 22.1.8, 256 bits)'
 * backend: 'opengl', name: 'llvmpipe (LLVM 22.1.8, 256 bits)'
 * backend: 'vulkan', name: 'Brand's Card'`;
    expect(namesIn(refusal, "vulkan")).toEqual(["llvmpipe (LLVM 22.1.8, 256 bits)", "Brand's Card"]);
    expect(namesIn("", "vulkan")).toEqual([]);
  });

  it("are told apart by name", async () => {
    const found = await listed(async () => ["Brand 4090", "llvmpipe (LLVM 22)"]);
    expect(found).toMatchObject([
      { name: "Brand 4090", software: false, env: { BRAID_ADAPTER: "Brand 4090" } },
      { name: "llvmpipe (LLVM 22)", software: true, env: { BRAID_ADAPTER: "llvmpipe (LLVM 22)" } },
    ]);
  });

  it("of one name are told apart by PCI address, where the layer hides all but one", async () => {
    const cards: Record<string, string> = { "pci-1": "Brand A", "pci-2": "Brand B", "pci-3": "Brand A" };
    const ask: Lister = async ({ DRI_PRIME }) =>
      DRI_PRIME ? [cards[DRI_PRIME.replace("!", "")]] : ["Brand A", "Brand A", "Brand B"];
    expect((await listed(ask, Object.keys(cards))).map(({ env }) => env)).toEqual([
      { BRAID_ADAPTER: "Brand A", DRI_PRIME: "pci-1!" },
      { BRAID_ADAPTER: "Brand A", DRI_PRIME: "pci-3!" },
      { BRAID_ADAPTER: "Brand B" },
    ]);
  });

  it("of one name are not said to be told apart where the address changes nothing", async () => {
    const found = await listed(async () => ["Brand A", "Brand A"], ["pci-1", "pci-2"]);
    expect(found.map(({ env }) => env)).toEqual([{ BRAID_ADAPTER: "Brand A" }, undefined]);
  });

  it("of one name are told apart by hiding the device files of the others, where that hides them", async () => {
    const files = ["/dev/nvidia0", "/dev/nvidia1"];
    const ask: Lister = async (_, through) => {
      const cards = files.filter((file) => !through?.join(" ").includes(`mount --bind /dev/null ${file} `));
      return [...cards.map(() => "NVIDIA H200"), "llvmpipe"];
    };
    const found = await listed(ask, [], files);
    expect(found.map(({ env }) => env?.BRAID_ADAPTER)).toEqual(["NVIDIA H200", "NVIDIA H200", "llvmpipe"]);
    const scripts = found.map(({ through }) => through?.at(-1));
    expect(scripts).toEqual([
      'mount --bind /dev/null /dev/nvidia1 && exec "$0" "$@"',
      'mount --bind /dev/null /dev/nvidia0 && exec "$0" "$@"',
      undefined,
    ]);
    const useless = await listed(async () => ["NVIDIA H200", "NVIDIA H200"], [], files);
    expect(useless.map(({ env, through }) => [env, through])).toEqual([
      [{ BRAID_ADAPTER: "NVIDIA H200" }, undefined],
      [undefined, undefined],
    ]);
  });

  it("cannot be asked for by a name that is part of an earlier one's", async () => {
    const found = await listed(async () => ["Brand 4090 Ti", "Brand 4090"]);
    expect(found.map(({ env }) => env?.BRAID_ADAPTER)).toEqual(["Brand 4090 Ti", undefined]);
  });

  it("have what the fullest card of their name has free", () => {
    const csv = "NVIDIA H100, 81000\nNVIDIA H100, 40000\nNVIDIA T4, 15000\n";
    expect(leastFree(csv, "NVIDIA H100")).toBe(40000 * 2 ** 20);
    expect(leastFree(csv, "NVIDIA A100")).toBeUndefined();
  });
});

describe.skipIf(!bundledRuns)("braid doctor", () => {
  it("lists them with number, name and memory", async () => {
    const { stdout } = await node([cli, "doctor"], { env: hidden });
    expect(stdout).toMatch(/^found +0: SwiftShader \(from npm\), software, [\d.]+ GiB \(the system's free memory\)$/m);
  });
});
