import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { modelFiles } from "../model/folder.node.js";
import { flatten, layoutOf, named, type Placed } from "../model/parameters.js";
import { decodeSafetensors, encodeSafetensors } from "../model/safetensors.js";
import type { Checkpoint, CheckpointStore } from "./checkpoint.js";
import type { TrainSpec } from "./types.js";

const weightsFile = modelFiles.weights;

/**
 * Checkpoints of one run in `folder`: `step-<n>/` with model.safetensors (Hugging Face names), optimizer.safetensors
 * (AdamW's moments) and training.json (spec, step, curve). A checkpoint is written beside and renamed when whole, then
 * the one before it is removed, so that a run killed at any moment leaves one that can be read.
 */
export class CheckpointFolder implements CheckpointStore {
  private readonly layout: { table: Placed[]; size: number };

  constructor(
    readonly folder: string,
    readonly spec: TrainSpec,
  ) {
    this.layout = layoutOf(spec.config);
  }

  async load(): Promise<Checkpoint | undefined> {
    const newest = this.steps().at(-1);
    if (newest === undefined) return undefined;
    const from = join(this.folder, `step-${newest}`);
    const { spec, ...training } = JSON.parse(readFileSync(join(from, "training.json"), "utf8")) as {
      spec: TrainSpec;
      step: number;
      curve: Checkpoint["curve"];
      lossScale?: number[];
      routers?: Checkpoint["routers"];
      seconds: number;
      validating: number;
      shared?: number;
    };
    const difference = firstDifference(spec, this.spec);
    if (difference) {
      throw new Error(
        `${from} belongs to another run: ${difference}. Give another --out folder, or remove this one to start anew.`,
      );
    }
    if (!Array.isArray(training.curve?.losses)) {
      throw new Error(`${from} was written by an earlier version of braid; remove it to start anew.`);
    }
    const { table, size } = this.layout;
    const read = (name: string) => decodeSafetensors(readFileSync(join(from, name)), join(from, name)).tensors;
    const moments = read("optimizer.safetensors");
    const moment = (prefix: string) => {
      const part = [...moments].filter(([name]) => name.startsWith(prefix));
      const tensors = new Map(part.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
      return flatten(table, size, tensors, join(from, "optimizer.safetensors"));
    };
    const values = flatten(table, size, read(weightsFile), join(from, weightsFile));
    return { ...training, values, first: moment("exp_avg."), second: moment("exp_avg_sq.") };
  }

  async save({ values, first, second, ...training }: Checkpoint): Promise<void> {
    const { table } = this.layout;
    const target = join(this.folder, `step-${training.step}`);
    const temporary = `${target}.writing`;
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    const moments = new Map(
      [["exp_avg.", first] as const, ["exp_avg_sq.", second] as const].flatMap(([prefix, flat]) =>
        [...named(table, flat)].map(([name, tensor]) => [prefix + name, tensor] as const),
      ),
    );
    writeFileSync(join(temporary, weightsFile), encodeSafetensors(named(table, values)));
    writeFileSync(join(temporary, "optimizer.safetensors"), encodeSafetensors(moments));
    writeFileSync(join(temporary, "training.json"), JSON.stringify({ spec: this.spec, ...training }));
    rmSync(target, { recursive: true, force: true });
    renameSync(temporary, target);
    for (const step of this.steps()) {
      if (step !== training.step) rmSync(join(this.folder, `step-${step}`), { recursive: true, force: true });
    }
  }

  /** Steps of the whole checkpoints, in order. */
  private steps(): number[] {
    if (!existsSync(this.folder)) return [];
    return readdirSync(this.folder)
      .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }
}

/** Where two plain objects first differ, in words; undefined when they don't. */
function firstDifference(was: unknown, is: unknown, path = ""): string | undefined {
  if (typeof was === "object" && was !== null && typeof is === "object" && is !== null) {
    const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
    for (const key of keys) {
      const [a, b] = [(was as Record<string, unknown>)[key], (is as Record<string, unknown>)[key]];
      const found = firstDifference(a, b, path ? `${path}.${key}` : key);
      if (found) return found;
    }
    return undefined;
  }
  return Object.is(was, is) ? undefined : `${path} was ${JSON.stringify(was)} and is now ${JSON.stringify(is)}`;
}
