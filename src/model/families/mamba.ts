/** What the Mamba-2 parts of several families have in common. */

import type { ModelConfig, SsmConfig } from "../../config/types.js";
import type { Fields, Json } from "./fields.js";

/** The ranges that Mamba-2's own code starts from; families whose config.json does not say use them too. */
export const startRanges = {
  aRange: [1, 16] as [number, number],
  dtRange: [0.001, 0.1] as [number, number],
};

/** Tokens a chunk: each program takes what suits its kernels, and the result is the same. */
export const ownChunk = 64;

/**
 * `time_step_limit`: bounds of dt. Infinity comes as {"__float__": "Infinity"} (transformers 5, and how bare Infinity of
 * older files is read).
 */
export function readTimeStepLimit(fields: Fields): SsmConfig["dtLimit"] {
  const value = fields.json.time_step_limit ?? [0, null];
  const [least, most] = Array.isArray(value) && value.length === 2 ? value.map(limit) : [Number.NaN, Number.NaN];
  if (Number.isNaN(least) || Number.isNaN(most)) throw fields.wrong("time_step_limit", "a list of two numbers");
  return least === 0 && most === Number.POSITIVE_INFINITY
    ? undefined
    : { least, ...(Number.isFinite(most) && { most }) };
}

function limit(value: unknown): number {
  if (typeof value === "number") return value;
  const { __float__: text } = (value ?? { __float__: "Infinity" }) as Json;
  return text === "Infinity" ? Number.POSITIVE_INFINITY : Number.NaN;
}

export function writeTimeStepLimit(limit: SsmConfig["dtLimit"]): unknown[] {
  return [limit?.least ?? 0, limit?.most ?? { __float__: "Infinity" }];
}

/** The section `ssm` as Bamba, Granite and Falcon-H1 spell it: `mamba_d_state`, `mamba_n_heads`, … */
export function readMambaKeys(fields: Fields, dSsm: number): SsmConfig {
  const heads = fields.count("mamba_n_heads", 128);
  fields.only("mamba_conv_bias", true);
  fields.only("mamba_proj_bias", false);
  const auto = (fields.json.mamba_d_head ?? "auto") === "auto";
  const headDim = auto ? dSsm / heads : fields.count("mamba_d_head");
  if (headDim * heads !== dSsm) {
    throw new Error(`${fields.path}: mamba_n_heads is ${heads}, but ${dSsm} channels have heads of ${headDim}.`);
  }
  const dtLimit = readTimeStepLimit(fields);
  return {
    dSsm,
    headDim,
    dState: fields.count("mamba_d_state", 256),
    groups: fields.count("mamba_n_groups", 1),
    conv: fields.count("mamba_d_conv", 4),
    chunk: ownChunk,
    ...startRanges,
    ...(dtLimit && { dtLimit }),
  };
}

/** The reverse of `readMambaKeys`. */
export function writeMambaKeys(ssm: SsmConfig): Json {
  return {
    mamba_n_heads: ssm.dSsm / ssm.headDim,
    mamba_d_head: ssm.headDim,
    mamba_d_state: ssm.dState,
    mamba_n_groups: ssm.groups,
    mamba_d_conv: ssm.conv,
    mamba_chunk_size: 256,
    mamba_conv_bias: true,
    mamba_proj_bias: false,
    time_step_limit: writeTimeStepLimit(ssm.dtLimit),
  };
}

/** How many times dModel the inner width is. @throws Error when that is no whole number, which these families need */
export function expansion(dModel: number, width: number, field: string, family: string): number {
  const expand = width / dModel;
  if (Number.isInteger(expand)) return expand;
  throw new Error(`${field}: ${width}, but a ${family} model has a whole multiple of dModel, ${dModel}.`);
}

/** @throws Error when the norm at the gate is another than the family's */
export function requireGatedNorm({ ssm }: ModelConfig, family: string, groups: number): void {
  const norm = ssm!.norm === undefined ? { groups: 1, gateFirst: true } : ssm!.norm;
  if (norm?.groups === groups && norm.gateFirst) return;
  throw new Error(
    `ssm.norm: ${JSON.stringify(norm)}, but a ${family} model normalises ${groups} part(s) of a row, gate first.`,
  );
}
