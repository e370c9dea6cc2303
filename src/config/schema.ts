/**
 * Checking a config that came from outside (JSON, the command line, a notebook). zod checks shapes and single values;
 * what relates fields to each other is checked after, so that each error is one sentence that names its field.
 */

import { z } from "zod";
import type { BlockSpec, Section } from "./blocks/block.js";
import { count, positive } from "./blocks/fields.js";
import { ffnPatternOf, specOf, specs } from "./blocks/table.js";
import type { ModelConfig } from "./types.js";

const factor = positive.optional();
const base = z.strictObject({
  vocabSize: count,
  dModel: count,
  pattern: z.string(),
  ffnPattern: z.string().optional(),
  multipliers: z.strictObject({ embedding: factor, residual: factor, logits: factor }).optional(),
  tieEmbeddings: z.boolean(),
  normEps: positive,
});

/** The sections of all blocks; some share a name and a schema, each with checks of its own. */
function sections(): [name: string, section: Section][] {
  return [...specs("mixer"), ...specs("ffn")].flatMap(({ needs, uses }) => Object.entries({ ...needs, ...uses }));
}

/** Made anew for each config: blocks may have been added. */
function shapeNow(): z.ZodObject {
  const optional = [...sections()].map(([name, { schema }]) => [name, (schema as z.ZodType).optional()]);
  return base.extend(Object.fromEntries(optional));
}

/**
 * Checks a value and returns it as a model config. Patterns whose sizes the kernels can't take pass, because they can be
 * costed; see `requireBuildable` for what can be built.
 *
 * Throws an `Error` with one sentence that names the field, what is wrong and what would be right.
 */
export function parseConfig(value: unknown): ModelConfig {
  const shape = shapeNow();
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw new Error(describe(shape, parsed.error.issues[0], value));
  const config = parsed.data as unknown as ModelConfig;
  checkPattern(config, "pattern", config.pattern, "mixer");
  checkFfnPattern(config);
  for (const section of new Set(sections().map(([, section]) => section))) section.check?.(config);
  return config;
}

function checkPattern(config: ModelConfig, field: string, pattern: string, role: BlockSpec["role"]): void {
  if (pattern === "") throw new Error(`${field}: empty; write one letter a layer, such as MMMTMMMTMMMMM.`);
  [...pattern].forEach((letter, i) => {
    if (letter === "-") return;
    const spec = specOf(letter);
    if (spec?.role !== role) {
      const known = specs(role).map((spec) => `${spec.letter} (${spec.meaning})`);
      throw new Error(`${field}: layer ${i + 1} is "${letter}"; letters are ${known.join(", ")}, and - for none.`);
    }
    for (const name of Object.keys(spec.needs)) {
      if (Reflect.get(config, name) !== undefined) continue;
      throw new Error(`${name}: missing, but layer ${i + 1} of the ${field} is ${letter}, which needs it.`);
    }
  });
}

function checkFfnPattern(config: ModelConfig): void {
  const layers = [...config.pattern].length;
  const ffns = ffnPatternOf(config);
  if ([...ffns].length !== layers) {
    throw new Error(
      `ffnPattern: ${[...ffns].length} letters, but the pattern has ${layers} layers; write one a layer.`,
    );
  }
  checkPattern(config, "ffnPattern", ffns, "ffn");
  const empty = [...ffns].findIndex((letter, i) => letter === "-" && [...config.pattern][i] === "-");
  if (empty >= 0) throw new Error(`pattern: layer ${empty + 1} has neither a mixer nor a feed-forward network.`);
}

type Issue = z.core.$ZodIssue;

function describe(shape: z.ZodObject, issue: Issue, value: unknown): string {
  const field = issue.path.length > 0 ? issue.path.join(".") : "config";
  const found = lookUp(value, issue.path);
  switch (issue.code) {
    case "unrecognized_keys": {
      const owner = schemaAt(shape, issue.path);
      const known = owner ? `; known keys are ${Object.keys(owner.shape).join(", ")}` : "";
      return `${field}: unknown key "${issue.keys[0]}"${known}.`;
    }
    case "invalid_type": {
      const expected = `${named(issue.expected)}${takesNull(shape, issue.path) ? " or null" : ""}`;
      return found === undefined
        ? `${field}: missing; it must be ${expected}.`
        : `${field}: ${show(found)} is not ${expected}.`;
    }
    case "too_small": {
      if (issue.origin === "array") return `${field}: ${show(found)} must have two numbers.`;
      return `${field}: ${show(found)} must be ${issue.inclusive ? "at least" : "greater than"} ${issue.minimum}.`;
    }
    case "too_big":
      return issue.origin === "array"
        ? `${field}: ${show(found)} must have two numbers.`
        : `${field}: ${show(found)} must be at most ${issue.maximum}.`;
    case "invalid_value":
      return `${field}: ${found === undefined ? "missing; it" : show(found)} must be ${choice(issue.values.map(show))}.`;
    case "not_multiple_of":
      return `${field}: ${show(found)} must be a multiple of ${issue.divisor}.`;
    default:
      return `${field}: ${found === undefined ? "missing" : show(found)}; ${issue.message}.`;
  }
}

function named(expected: string): string {
  if (expected === "int") return "a whole number";
  if (expected === "array" || expected === "tuple") return "a list of two numbers";
  return `${/^[aeiou]/.test(expected) ? "an" : "a"} ${expected}`;
}

function choice(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
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
function schemaAt(shape: z.ZodObject, path: readonly PropertyKey[]): z.ZodObject | undefined {
  const schema = path.reduce<unknown>(
    (outer, key) => (outer instanceof z.ZodObject ? unwrap(outer.shape[String(key)]) : undefined),
    shape,
  );
  return schema instanceof z.ZodObject ? schema : undefined;
}

function takesNull(shape: z.ZodObject, path: readonly PropertyKey[]): boolean {
  const own: unknown = schemaAt(shape, path.slice(0, -1))?.shape[String(path.at(-1))];
  return own instanceof z.ZodType && own.safeParse(null).success;
}

function unwrap(schema: unknown): unknown {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable ? unwrap(schema.unwrap()) : schema;
}
