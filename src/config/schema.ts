/**
 * Checking a config that came from outside (JSON, the command line, a notebook). zod checks shapes and single values;
 * what relates fields to each other is checked after, so that each error is one sentence that names its field.
 */

import { z } from "zod";
import type { LayerKind, ModelConfig } from "./types.js";

const LETTERS: Record<LayerKind, string> = {
  T: "full attention",
  S: "sliding window",
  M: "Mamba-2",
  H: "intra-hybrid",
};

const count = z.int().min(1);
const positive = z.number().positive();
const rope = z.strictObject({ theta: positive }).nullable();
const range = z.tuple([positive, positive]);

const shape = z.strictObject({
  vocabSize: count,
  dModel: count,
  pattern: z.string(),
  ffn: z.strictObject({ kind: z.literal("swiglu"), dFfn: count }),
  attention: z.strictObject({ heads: count, kvHeads: count, headDim: count, rope }).optional(),
  window: z.strictObject({ size: count, sink: z.int().min(0), rope }).optional(),
  ssm: z
    .strictObject({
      dSsm: count,
      headDim: count,
      dState: count,
      groups: count,
      conv: count,
      chunk: count,
      aRange: range,
      dtRange: range,
    })
    .optional(),
  hybrid: z.strictObject({ heads: count, kvHeads: count, dQk: count, dSsm: count }).optional(),
  tieEmbeddings: z.boolean(),
  normEps: positive,
});

/**
 * Checks a value and returns it as a model config. Patterns with `H` pass, because they can be costed; see
 * `requireBuildable` for what can be built.
 *
 * Throws an `Error` with one sentence that names the field, what is wrong and what would be right.
 */
export function parseConfig(value: unknown): ModelConfig {
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw new Error(describe(parsed.error.issues[0], value));
  const config: ModelConfig = parsed.data;
  checkPattern(config);
  checkAttention(config);
  checkSsm(config);
  checkHybrid(config);
  return config;
}

function checkPattern({ pattern, attention, window, ssm, hybrid }: ModelConfig): void {
  if (pattern === "") throw new Error("pattern: empty; write one letter a layer, such as MMMTMMMTMMMMM.");
  [...pattern].forEach((letter, i) => {
    if (Object.hasOwn(LETTERS, letter)) return;
    const known = Object.entries(LETTERS).map(([key, meaning]) => `${key} (${meaning})`);
    throw new Error(`pattern: layer ${i + 1} is "${letter}"; letters are ${known.join(", ")}.`);
  });
  const needs: [section: string, present: boolean, letters: string][] = [
    ["attention", attention !== undefined, "TSH"],
    ["window", window !== undefined, "S"],
    ["ssm", ssm !== undefined, "MH"],
    ["hybrid", hybrid !== undefined, "H"],
  ];
  for (const [section, present, letters] of needs) {
    const index = [...pattern].findIndex((letter) => letters.includes(letter));
    if (!present && index >= 0) {
      throw new Error(
        `${section}: missing, but layer ${index + 1} of the pattern is ${pattern[index]}, which needs it.`,
      );
    }
  }
}

function checkAttention({ attention, window }: ModelConfig): void {
  if (!attention) return;
  requireDivisible("attention.heads", attention.heads, "kvHeads", attention.kvHeads);
  const rotated = attention.rope ? "attention.rope" : window?.rope ? "window.rope" : undefined;
  if (rotated && attention.headDim % 2 !== 0) {
    throw new Error(
      `attention.headDim: ${attention.headDim} is odd, but ${rotated} rotates pairs; make it even or set rope to null.`,
    );
  }
}

function checkSsm({ ssm }: ModelConfig): void {
  if (!ssm) return;
  requireDivisible("ssm.dSsm", ssm.dSsm, "headDim", ssm.headDim);
  requireDivisible("the heads of ssm (dSsm / headDim)", ssm.dSsm / ssm.headDim, "ssm.groups", ssm.groups);
  for (const name of ["aRange", "dtRange"] as const) {
    const [low, high] = ssm[name];
    if (low > high) throw new Error(`ssm.${name}: [${low}, ${high}] is not in ascending order.`);
  }
}

function checkHybrid({ dModel, hybrid }: ModelConfig): void {
  if (!hybrid) return;
  requireDivisible("hybrid.heads", hybrid.heads, "kvHeads", hybrid.kvHeads);
  requireDivisible("hybrid.dQk", hybrid.dQk, "heads", hybrid.heads);
  requireDivisible("hybrid.dSsm", hybrid.dSsm, "heads", hybrid.heads);
  requireDivisible("dModel", dModel, "hybrid.heads", hybrid.heads);
}

function requireDivisible(name: string, value: number, divisorName: string, divisor: number): void {
  if (value % divisor !== 0) throw new Error(`${name}: ${value} is not divisible by ${divisorName}, ${divisor}.`);
}

type Issue = z.core.$ZodIssue;

function describe(issue: Issue, value: unknown): string {
  const field = issue.path.length > 0 ? issue.path.join(".") : "config";
  const found = lookUp(value, issue.path);
  switch (issue.code) {
    case "unrecognized_keys": {
      const owner = schemaAt(issue.path);
      const known = owner ? `; known keys are ${Object.keys(owner.shape).join(", ")}` : "";
      return `${field}: unknown key "${issue.keys[0]}"${known}.`;
    }
    case "invalid_type":
      return found === undefined
        ? `${field}: missing; it must be ${named(issue.expected)}.`
        : `${field}: ${show(found)} is not ${named(issue.expected)}.`;
    case "too_small": {
      if (issue.origin === "array") return `${field}: ${show(found)} must have two numbers.`;
      return `${field}: ${show(found)} must be ${issue.inclusive ? "at least" : "greater than"} ${issue.minimum}.`;
    }
    case "too_big":
      return issue.origin === "array"
        ? `${field}: ${show(found)} must have two numbers.`
        : `${field}: ${show(found)} must be at most ${issue.maximum}.`;
    case "invalid_value":
      return `${field}: ${show(found)} must be ${issue.values.map(show).join(" or ")}.`;
    default:
      return `${field}: ${issue.message}.`;
  }
}

function named(expected: string): string {
  if (expected === "int") return "a whole number";
  if (expected === "array" || expected === "tuple") return "a list of two numbers";
  return `${/^[aeiou]/.test(expected) ? "an" : "a"} ${expected}`;
}

function show(value: unknown): string {
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}

function lookUp(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner !== null && typeof inner === "object" ? Reflect.get(inner, key) : undefined),
    value,
  );
}

/** The object schema at a path, through optional and nullable wrappers. */
function schemaAt(path: readonly PropertyKey[]): z.ZodObject | undefined {
  let schema: unknown = shape;
  for (const key of path) {
    if (!(schema instanceof z.ZodObject)) return undefined;
    schema = unwrap(schema.shape[String(key)]);
  }
  return schema instanceof z.ZodObject ? schema : undefined;
}

function unwrap(schema: unknown): unknown {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable ? unwrap(schema.unwrap()) : schema;
}
