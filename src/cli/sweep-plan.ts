import { readFileSync } from "node:fs";
import type { OpenOptions } from "../data/node.js";
import { type Finding, type GridOptions, smokeData } from "../findings/finding.js";
import type { PlannedRun } from "../runs/types.js";

/** The options of `braid sweep` that say which runs. */
export interface PlanFlags {
  finding?: string;
  specs?: string;
  scale: GridOptions["scale"];
  data?: string;
  validation?: string;
  tokenizer?: string;
  name?: string;
  limitTokens?: number;
  seeds?: string;
  labels?: string;
  tokens?: number;
  learningRates?: string | true;
  ratesFrom?: string;
}

/** @throws Error when --data is missing where it is needed */
export function dataOptions(flags: PlanFlags): OpenOptions {
  const { validation, tokenizer, name, limitTokens, scale } = flags;
  if (flags.data === undefined && scale === "smoke") return smokeData;
  if (flags.data === undefined)
    throw new Error('--data: name the data to train on: "synthetic", a text or a .tokens file');
  return { data: flags.data, validation, tokenizer, name, limitTokens };
}

/**
 * The runs that the options ask for, finished ones included.
 * @throws Error naming the option that is wrong
 */
export async function plan(flags: PlanFlags, data: OpenOptions): Promise<PlannedRun[]> {
  if ((flags.finding === undefined) === (flags.specs === undefined)) {
    throw new Error("give either --finding or --specs");
  }
  if (flags.specs !== undefined) return readSpecs(flags.specs);
  const { openDataset } = await import("../data/node.js");
  const { bestRates, describeData } = await import("../findings/finding.js");
  const { findingNamed } = await import("../findings/index.js");
  const finding = findingNamed(flags.finding as string);
  const options: GridOptions = {
    scale: flags.scale,
    data: describeData(await openDataset(data)),
    seeds: flags.seeds === undefined ? undefined : numbers(flags.seeds, "--seeds"),
    labels: flags.labels?.split(","),
    tokens: flags.tokens,
  };
  if (flags.learningRates !== undefined) return learningRateGrid(finding, options, flags.learningRates);
  if (flags.ratesFrom === undefined) return finding.grid(options);
  const { readJsonl } = await import("../runs/jsonl.js");
  const check = readJsonl(flags.ratesFrom).runs.filter((run) => run.finding === `${finding.name}-lr`);
  const peakRates = bestRates(check);
  process.stderr.write(`peak learning rates: ${JSON.stringify(peakRates)}\n`);
  const planned = finding.grid({ ...options, peakRates });
  const unchecked = planned.find(({ label }) => peakRates[label] === undefined);
  if (unchecked) throw new Error(`--rates-from: ${flags.ratesFrom} has no learning-rate check of ${unchecked.label}`);
  return planned;
}

function learningRateGrid(finding: Finding, options: GridOptions, rates: string | true): PlannedRun[] {
  return finding.learningRateGrid({
    ...options,
    rates: rates === true ? undefined : numbers(rates, "--learning-rates"),
  });
}

async function readSpecs(file: string): Promise<PlannedRun[]> {
  const { parsePlannedRun } = await import("../runs/record.js");
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`--specs: ${file} cannot be read as JSON (${(error as Error).message})`);
  }
  if (!Array.isArray(value)) throw new Error(`--specs: ${file} must hold a JSON array of {finding, label, spec}`);
  return value.map((item, i) => parsePlannedRun(item, `${file}, entry ${i + 1}`));
}

function numbers(text: string, flag: string): number[] {
  return text.split(",").map((part) => {
    const value = Number(part);
    if (part.trim() === "" || !(value >= 0)) throw new Error(`${flag}: "${text}" must be numbers joined by commas`);
    return value;
  });
}
