/** A run that is trained again, set beside its record. */

import type { TrainResult } from "../train/types.js";
import { canonicalJson } from "./identity.js";
import type { Provenance } from "./types.js";

/** A finished run as far as it is compared. */
export interface Finished {
  result: TrainResult;
  provenance: Pick<Provenance, "adapter" | "commit">;
}

/** Equal bit for bit in every loss; speed and provenance may differ. */
export function sameLosses(a: TrainResult, b: TrainResult): boolean {
  const losses = ({ validation, trainLoss, curve }: TrainResult) => canonicalJson([validation, trainLoss, curve]);
  return losses(a) === losses(b);
}

/** A sentence that says whether training a run again gave the recorded losses, and where either was trained. */
export function againInWords(recorded: Finished, now: Finished): string {
  const where = ({ provenance: { adapter, commit } }: Finished) => `${adapter} at ${commit.slice(0, 7)}`;
  const points = `validation and ${recorded.result.curve.length} points of the curve`;
  if (sameLosses(recorded.result, now.result)) return `The recorded losses to the last bit: ${points}.`;
  const told = (run: Finished) => `${run.result.validation.nllPerToken} nats a token (${where(run)})`;
  return `Not the recorded bits: ${told(recorded)} is recorded, this is ${told(now)}. The same bits are to be had on the same type of adapter.`;
}
