import { batchAt } from "../data/batches.js";
import type { Dataset } from "../data/types.js";
import { Profile, type ProfileRow } from "../gpu/profile.js";
import type { TrainStep } from "./step.js";

/**
 * Runs one more step, at learning rate 0, with a timestamp around every dispatch.
 * @throws Error when the adapter has no timestamps
 */
export async function profileStep(step: TrainStep, dataset: Dataset): Promise<ProfileRow[]> {
  const profile = new Profile(step.gpu);
  const { seed, batch } = step.spec;
  step.run(batchAt(dataset.train, { seed, step: 0, ...batch }), 0, 0, profile);
  return profile.rows();
}

/** Rows of a profile as text, longest first, with the step's dispatches and memory. */
export function profileTable(rows: ProfileRow[], step: TrainStep): string {
  const total = rows.reduce((sum, row) => sum + row.milliseconds, 0);
  const line = (label: string, count: string, time: string, share: string) =>
    `${label.padEnd(34)}${count.padStart(10)}${time.padStart(10)}${share.padStart(8)}`;
  const { activations, parameters } = step.bytes;
  return [
    line("kernel", "dispatches", "ms", "share"),
    ...rows.map(({ label, dispatches, milliseconds }) =>
      line(label, String(dispatches), milliseconds.toFixed(3), `${((100 * milliseconds) / total).toFixed(1)} %`),
    ),
    line("sum", String(step.dispatches), total.toFixed(3), ""),
    `memory: ${(activations / 2 ** 30).toFixed(2)} GiB activations and scratch (recompute ${step.recompute}), ${(parameters / 2 ** 30).toFixed(2)} GiB weights, gradients and moments`,
  ].join("\n");
}
