import { readFileSync } from "node:fs";
import type { OpenOptions } from "../data/node.js";
import { type RunSize, smokeData } from "../findings/protocol.js";
import type { Study } from "../findings/study.js";
import type { PlannedRun } from "../runs/types.js";

/** The options of `braid sweep` that say which runs. */
export interface PlanFlags {
  finding?: string;
  study?: string;
  specs?: string;
  scale?: "smoke";
  data?: string;
  validation?: string;
  tokenizer?: string;
  name?: string;
  limitTokens?: number;
  seeds?: number[];
  labels?: string;
  tokens?: number;
}

/** @throws Error when not one of the ways to say which runs is used, or what it names is not known */
export async function requireKnown({ finding, study, specs }: PlanFlags): Promise<void> {
  if ([finding, study, specs].filter((flag) => flag !== undefined).length !== 1) {
    throw new Error("give one of --finding, --study and --specs");
  }
  if (specs !== undefined) return;
  const { findingNamed, studyNamed } = await import("../findings/index.js");
  if (finding !== undefined) findingNamed(finding);
  else study?.split(",").forEach(studyNamed);
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
 * @throws Error naming the option that is wrong, or the run whose model cannot be built
 */
export async function plan(flags: PlanFlags, data: OpenOptions): Promise<PlannedRun[]> {
  const { requireBuildable } = await import("../config/index.js");
  const runs = await chosen(flags, data);
  // Better now than after hours, when its turn comes.
  for (const { finding, label, spec } of runs) {
    try {
      requireBuildable(spec.config);
    } catch (error) {
      throw new Error(`${finding}, ${label}: ${(error as Error).message}`);
    }
  }
  return runs;
}

async function chosen(flags: PlanFlags, data: OpenOptions): Promise<PlannedRun[]> {
  if (flags.specs !== undefined) {
    const idle = (["seeds", "labels", "tokens"] as const).find((flag) => flags[flag] !== undefined);
    if (idle) throw new Error(`--${idle}: the specs of --specs say it themselves; leave it out`);
    return readSpecs(flags.specs);
  }
  const { openDataset } = await import("../data/node.js");
  const { describeData } = await import("../findings/finding.js");
  const { planStudy } = await import("../findings/study.js");
  const dataset = await openDataset(data);
  const options = {
    size: flags.scale as RunSize | undefined,
    data: describeData(dataset),
    seeds: flags.seeds,
    labels: flags.labels?.split(","),
    tokens: flags.tokens,
  };
  const wanted = await studies(flags, dataset.codec.kind);
  for (const label of options.labels ?? []) {
    if (wanted.some((study) => has(study, label))) continue;
    const known = new Set(wanted.flatMap(({ variants }) => variants.map((variant) => variant.label)));
    throw new Error(`--labels: "${label}" is in none of the studies; they have ${[...known].join(", ")}`);
  }
  return wanted.flatMap((study) => {
    const labels = options.labels?.filter((label) => has(study, label));
    return labels?.length === 0 ? [] : planStudy(study, { ...options, labels });
  });
}

function has({ variants }: Study, label: string): boolean {
  return variants.some((variant) => variant.label === label);
}

/** The studies named; or those of a finding that read such data, bytes or tokens. */
async function studies(flags: PlanFlags, kind: string): Promise<readonly Study[]> {
  const { findingNamed, studyNamed } = await import("../findings/index.js");
  if (flags.study !== undefined) {
    const named = flags.study.split(",").map(studyNamed);
    const wrong = kind === "bytes" ? undefined : named.find(({ data }) => data === "bytes");
    if (wrong) throw new Error(`--tokenizer: the study ${wrong.name} reads bytes; leave the tokenizer out`);
    return named;
  }
  const all = findingNamed(flags.finding as string).studies;
  const fitting = all.filter(({ data }) => (data === "bytes") === (kind === "bytes"));
  // A finding on tokens can be tried on bytes as well, and the other way round.
  return fitting.length > 0 ? fitting : all;
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
