/**
 * Which adapters this machine has, and how a process is told to open one of them.
 *
 * Dawn for Node picks by name: the first adapter whose name contains the one asked for. Cards of different names can thus
 * be told apart, cards of one name cannot. For those there are two ways. Mesa's device-select layer (part of
 * mesa-vulkan-drivers, for any Vulkan driver that tells its PCI address) hides all but the card at one address. And a process
 * on Linux can be started where the device files of the other NVIDIA cards lead nowhere. Whether either works is asked, not
 * assumed: a card that nothing singles out is listed without an environment.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type AdapterMemory, memoryOf } from "./adapter-memory.node.js";
import { isSoftware } from "./info.js";
import { bundledName, findArchive } from "./software.js";

export interface FoundAdapter {
  /** As the driver calls it, e.g. "NVIDIA H100 80GB HBM3". */
  name: string;
  software: boolean;
  /** Environment in which a process opens this very card; none where nothing tells it from another of its name. */
  env?: Record<string, string>;
  /** Program and arguments that a process is started through, so that it sees no other card of that name. */
  through?: readonly string[];
  /** What it has free, where the system tells. */
  memory?: AdapterMemory;
}

/** The names that Dawn finds in a process with `env` added to the environment, started through `through`; in its order. */
export type Lister = (env: Record<string, string>, through?: readonly string[]) => Promise<string[]>;

/** Every adapter of the machine; last the software adapter that npm brought, where it is installed. */
export async function listAdapters(
  ask: Lister = askDawn,
  pci: readonly string[] = pciTags(),
  deviceFiles: readonly string[] = nvidiaDeviceFiles(),
): Promise<FoundAdapter[]> {
  const names = await ask({});
  const found = names.map((name, i): FoundAdapter => {
    const first = names.findIndex((other) => other.includes(name)) === i;
    return { name, software: isSoftware(name), ...(first && { env: { BRAID_ADAPTER: name } }) };
  });
  const open = () => found.some(({ env }) => env === undefined);
  if (open()) await tellTwins(found, ask, pci);
  if (open() && deviceFiles.length > 1) await hideTwins(found, ask, deviceFiles);
  const listed = await Promise.all(found.map(async (adapter) => ({ ...adapter, memory: await memoryOf(adapter) })));
  if (!bundledRuns() || names.some((name) => /swiftshader/i.test(name))) return listed;
  const bundled = { name: bundledName, software: true, env: { BRAID_ADAPTER: "software" } };
  return [...listed, { ...bundled, memory: await memoryOf(bundled) }];
}

/** Gives cards of one name the PCI address that makes each the only one seen, where that works for two or more. */
async function tellTwins(found: FoundAdapter[], ask: Lister, pci: readonly string[]): Promise<void> {
  const tagsOf = new Map<string, string[]>();
  for (const tag of pci) {
    const seen = await ask({ DRI_PRIME: `${tag}!` });
    if (seen.length === 1) tagsOf.set(seen[0], [...(tagsOf.get(seen[0]) ?? []), tag]);
  }
  for (const [name, tags] of tagsOf) {
    const twins = found.filter((adapter) => adapter.name === name);
    if (tags.length < 2) continue;
    // With an address, the first one gets it too: otherwise two entries could be one card.
    twins.forEach((twin, i) => {
      twin.env = tags[i] === undefined ? undefined : { BRAID_ADAPTER: name, DRI_PRIME: `${tags[i]}!` };
    });
  }
}

/** Gives cards of one name each a way to start a process in which the device files of all others lead nowhere. */
async function hideTwins(found: FoundAdapter[], ask: Lister, files: readonly string[]): Promise<void> {
  const waysOf = new Map<string, string[][]>();
  for (const file of files) {
    const through = hiding(files.filter((other) => other !== file));
    const names = (await ask({}, through)).filter((name) => /nvidia/i.test(name));
    if (names.length === 1) waysOf.set(names[0], [...(waysOf.get(names[0]) ?? []), through]);
  }
  for (const [name, ways] of waysOf) {
    const twins = found.filter((adapter) => adapter.name === name);
    if (ways.length < 2 || twins.every(({ env }) => env !== undefined)) continue;
    twins.forEach((twin, i) => {
      twin.env = ways[i] && { BRAID_ADAPTER: name };
      twin.through = ways[i];
    });
  }
}

/** A command before a command: in a mount namespace of its own, /dev/null lies over some files. */
function hiding(files: readonly string[]): string[] {
  const mounts = files.map((file) => `mount --bind /dev/null ${file}`);
  const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  return ["unshare", ...asRoot, "--mount", "sh", "-c", `${mounts.join(" && ")} && exec "$0" "$@"`];
}

function nvidiaDeviceFiles(folder = "/dev"): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync(folder)
    .filter((name) => /^nvidia\d+$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

const bundledRuns = () => process.platform === "linux" && process.arch === "x64" && findArchive() !== undefined;

/** The backend that Dawn for Node computes on; other backends list the same cards once more. */
const backend = { darwin: "metal", win32: "d3d12" }[process.platform as string] ?? "vulkan";

/**
 * Asks Dawn in a process of its own, so that drivers are loaded with the environment given and their complaints stay off
 * the terminal. Asked for a name that no adapter has, it refuses with the list of those it has.
 */
const askDawn: Lister = (env, through = []) =>
  new Promise((resolve) => {
    const webgpu = pathToFileURL(createRequire(import.meta.url).resolve("webgpu")).href;
    const script = `import { create } from ${JSON.stringify(webgpu)};
      create(["adapter=\\n"]).requestAdapter().catch((error) => process.stdout.write(error.message, () => process.exit(0)));`;
    const options = { env: { ...process.env, ...env }, timeout: 60_000 };
    const [program, ...args] = [...through, process.execPath, "--input-type=module", "-e", script];
    execFile(program, args, options, (_, stdout) => resolve(namesIn(stdout, backend)));
  });

/** The names in Dawn's refusal: lines like " * backend: 'vulkan', name: 'llvmpipe (LLVM 22.1.8, 256 bits)'". */
export function namesIn(refusal: string, of: string): string[] {
  return [...refusal.matchAll(/^ \* backend: '([^']*)', name: '(.*)'$/gm)].flatMap(([, kind, name]) =>
    kind === of ? [name] : [],
  );
}

/** Graphics cards on the PCI bus, as Mesa's layer writes their addresses: "pci-0000_41_00_0". */
function pciTags(devices = "/sys/bus/pci/devices"): string[] {
  if (!existsSync(devices)) return [];
  const display = (address: string) => readFileSync(join(devices, address, "class"), "utf8").startsWith("0x03");
  return readdirSync(devices)
    .filter(display)
    .sort()
    .map((address) => `pci-${address.replace(/[:.]/g, "_")}`);
}
