import { sha256 } from "../data/sha256.js";
import { numericsVersion } from "../train/numerics.js";
import type { TrainSpec } from "../train/types.js";

/**
 * JSON with one spelling per value: keys sorted, no spaces, fields that are `undefined` left out, -0 as 0.
 * Throws when a value has no JSON form (NaN, infinities, functions), naming its path.
 */
export function canonicalJson(value: unknown, path = "value"): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new Error(`${path} is ${value}, which JSON cannot hold`);
    return JSON.stringify(value === 0 ? 0 : value);
  }
  if (Array.isArray(value)) return `[${value.map((item, i) => canonicalJson(item, `${path}[${i}]`)).join(",")}]`;
  if (typeof value === "object") {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field, `${path}.${key}`)}`);
    return `{${fields.join(",")}}`;
  }
  throw new Error(`${path} is a ${typeof value}, which JSON cannot hold`);
}

/** SHA-256 of the canonical JSON of a value, as 64 hexadecimal digits. */
export function digest(value: unknown): string {
  return sha256(canonicalJson(value));
}

/**
 * The identity of a run: the first 16 hexadecimal digits of the SHA-256 of its spec and the numerics version.
 * Two specs that mean the same training have the same id, whatever the order of their keys.
 */
export function runId(spec: TrainSpec, version: number = numericsVersion): string {
  return digest({ numericsVersion: version, spec }).slice(0, 16);
}
