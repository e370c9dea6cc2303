import type { FoundAdapter } from "../gpu/adapters.node.js";
import type { Card } from "../runs/card.js";

export interface CardOptions {
  /** "all", or numbers and parts of names joined by commas. Default: $BRAID_ADAPTER, or all. */
  adapters?: string;
  /** Default: "auto" on hardware; 1 on software, where a process uses every core already. */
  jobs?: number | "auto";
  /** Bytes that the runs on one card may take. Default: nine tenths of what it has free. */
  memory?: number;
}

/** Bytes taken for granted where the system does not say what a card has. */
export const assumedMemory = 8 * 2 ** 30;

/**
 * The cards that a sweep trains on, and sentences about those it cannot use.
 * @throws Error when one that is named is not there or cannot be singled out, or when there is none at all
 */
export function chooseCards(found: readonly FoundAdapter[], options: CardOptions): { cards: Card[]; notes: string[] } {
  const picked = options.adapters === undefined ? byEnvironment(found) : byList(found, options.adapters);
  const cards: Card[] = picked.flatMap((adapter) => {
    const { name, env, through, software } = adapter;
    const jobs = options.jobs ?? (software ? 1 : "auto");
    return env ? [{ name, env, through, jobs, memory: options.memory ?? memoryFor(adapter, jobs) }] : [];
  });
  const idle = picked.filter(({ env }) => env === undefined).map(({ name }) => name);
  const notes = [...new Set(idle)].map((name) => {
    const count = idle.filter((other) => other === name).length;
    return `${count} more ${name} cannot be told from the first and ${count === 1 ? "stays" : "stay"} idle: ${remedy}`;
  });
  return { cards, notes };
}

const remedy =
  "install Mesa's device-select layer (mesa-vulkan-drivers), or start a sweep with an --out of its own in a container for each card.";

function memoryFor({ memory }: FoundAdapter, jobs: number | "auto"): number {
  if (memory !== undefined) return 0.9 * memory.bytes;
  return jobs === "auto" ? assumedMemory : Number.POSITIVE_INFINITY;
}

function byEnvironment(found: readonly FoundAdapter[]): FoundAdapter[] {
  const asked = process.env.BRAID_ADAPTER || "any";
  return asked === "any" ? allOf(found) : byItem(found, asked, "BRAID_ADAPTER");
}

function byList(found: readonly FoundAdapter[], list: string): FoundAdapter[] {
  if (list === "all") return allOf(found);
  return [...new Set(list.split(",").flatMap((item) => byItem(found, item.trim(), "--adapters")))];
}

/** Every hardware adapter; where there is none, the first software one. */
function allOf(found: readonly FoundAdapter[]): FoundAdapter[] {
  const hardware = found.filter(({ software }) => !software);
  if (found.length === 0) throw new Error('No WebGPU adapter to train on. Run "braid doctor".');
  return hardware.length > 0 ? hardware : found.slice(0, 1);
}

function byItem(found: readonly FoundAdapter[], item: string, where: string): FoundAdapter[] {
  const matching = matches(found, item);
  const usable = matching.filter(({ env }) => env !== undefined);
  const here = found.map(({ name }, i) => `${i}: ${name}`).join("; ") || "none";
  if (matching.length === 0) throw new Error(`${where}: "${item}" is no adapter of this machine; it has ${here}`);
  if (usable.length === 0) {
    throw new Error(`${where}: ${matching[0].name} (${item}) cannot be told from the first of its name: ${remedy}`);
  }
  return matching;
}

function matches(found: readonly FoundAdapter[], item: string): FoundAdapter[] {
  if (item === "hardware") return found.filter(({ software }) => !software);
  // What the environment variable means by it: the one from npm, where that is installed.
  if (item === "software") return found.filter(({ software }) => software).slice(-1);
  if (/^\d+$/.test(item) && found[Number(item)]) return [found[Number(item)]];
  if (item === "") return [];
  return found.filter(({ name }) => name.toLowerCase().includes(item.toLowerCase()));
}
