import { z } from "zod";
import { numericsVersion } from "../train/numerics.js";
import type { TrainResult, TrainSpec } from "../train/types.js";
import { digest, runId } from "./identity.js";
import type { PlannedRun, Provenance, RunRecord } from "./types.js";

/** On disk each part carries its own checksum, so that an edit by hand is noticed and the message can say where. */
interface Checksums {
  run: string;
  result: string;
  provenance: string;
}

const count = z.number().int().nonnegative();
const finite = z.number();
const positive = z.number().positive();

const specSchema = z.strictObject({
  config: z.looseObject({ vocabSize: count, dModel: count, pattern: z.string() }),
  data: z.strictObject({
    name: z.string(),
    sha256: z.string(),
    validationSha256: z.string().optional(),
    tokenizer: z.string(),
    tokenizerSha256: z.string().optional(),
  }),
  tokens: positive,
  batch: z.strictObject({ sequences: count, length: count }),
  optimizer: z.strictObject({
    lr: positive,
    beta1: finite,
    beta2: finite,
    eps: positive,
    weightDecay: finite,
    clip: positive,
  }),
  schedule: z.strictObject({ warmup: finite, cooldown: finite, warmupOf: positive.optional() }),
  seed: count,
  precision: z.string(),
  validation: z.strictObject({ tokens: positive, every: positive }),
  tasks: z.strictObject({ questions: positive }).optional(),
});

const score = z.strictObject({ correct: count, questions: count });

const resultSchema = z.looseObject({
  steps: count,
  tokens: count,
  params: z.strictObject({ total: count, nonEmbedding: count }),
  routers: z.array(z.strictObject({ layer: count, load: z.array(finite), entropy: finite })).optional(),
  trainLoss: finite,
  validation: z.strictObject({ nllPerToken: finite, nllPerByte: finite, tokens: count, bytes: count }),
  tasks: z.strictObject({ cloze: score, lastWord: score, recall: score }).optional(),
  alphas: z.array(z.strictObject({ layer: count, alpha: finite })).optional(),
  shared: count.optional(),
  // As many points as there are: a run that was trained is not refused for how often it was validated.
  curve: z.array(
    z.strictObject({ step: count, tokens: count, lr: finite, train: finite, validation: finite.optional() }),
  ),
  tokensPerSecond: positive,
  seconds: positive,
});

const provenanceSchema = z.looseObject({
  commit: z.string(),
  adapter: z.string(),
  driver: z.string(),
  software: z.boolean(),
  features: z.array(z.string()),
  toggles: z.array(z.string()),
  kernels: z.array(z.string()),
  dawn: z.string(),
  node: z.string(),
  platform: z.string(),
  date: z.string(),
  wallSeconds: positive,
  sideBySide: positive.optional(),
});

const recordSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/, "expected 16 hexadecimal digits"),
  finding: z.string().min(1),
  label: z.string().min(1),
  numericsVersion: count,
  spec: specSchema,
  result: resultSchema,
  provenance: provenanceSchema,
  checksums: z.strictObject({ run: z.string(), result: z.string(), provenance: z.string() }),
});

/** The spec in a file, be it a record, a planned run or what `braid train` leaves; checked as `parsePlannedRun` does. */
export function parseSpec(value: unknown, where: string): TrainSpec {
  const { spec } = check(z.looseObject({ spec: specSchema }), value, where) as unknown as { spec: TrainSpec };
  return spec;
}

/** A planned run read from a file, checked field by field; `where` names the file in errors. */
export function parsePlannedRun(value: unknown, where: string): PlannedRun {
  const schema = z.looseObject({ finding: z.string().min(1), label: z.string().min(1), spec: specSchema });
  const { finding, label, spec } = check(schema, value, where) as unknown as PlannedRun;
  return { finding, label, spec };
}

/** The record of a finished run. */
export function makeRecord(run: PlannedRun, result: TrainResult, provenance: Provenance): RunRecord {
  return {
    id: runId(run.spec),
    finding: run.finding,
    label: run.label,
    numericsVersion,
    spec: run.spec,
    result,
    provenance,
  };
}

/** The record with its checksums, as plain JSON data; what `parseRecord` reads back. */
export function sealRecord(record: RunRecord): RunRecord & { checksums: Checksums } {
  return { ...record, checksums: checksums(record) };
}

/**
 * A stored record, checked: the shape, the id against the spec, and the checksums. Throws one sentence that names `where` (a file, or a
 * file and line) and the part at fault.
 */
export function parseRecord(value: unknown, where: string): RunRecord {
  const stored = check(recordSchema, value, where) as unknown as RunRecord & { checksums: Checksums };
  const { checksums: claimed, ...record } = stored;
  const expected = runId(record.spec, record.numericsVersion);
  if (record.id !== expected) {
    throw new Error(
      `${where}: the id is ${record.id}, but spec and numericsVersion hash to ${expected}; one of them was changed after the run`,
    );
  }
  const actual = checksums(record);
  const parts = { run: "finding, label or spec", result: "result", provenance: "provenance" };
  for (const part of ["run", "result", "provenance"] as const) {
    if (claimed[part] !== actual[part]) {
      throw new Error(
        `${where}: ${parts[part]} of run ${record.id} (${record.finding} ${record.label}, seed ${record.spec.seed}) was changed after the run: the checksum "${part}" does not match; restore the file or train the run again`,
      );
    }
  }
  return record;
}

function checksums(record: RunRecord): Checksums {
  const { id, finding, label, numericsVersion: version, spec, result, provenance } = record;
  return {
    run: digest({ id, finding, label, numericsVersion: version, spec }).slice(0, 16),
    result: digest({ id, result }).slice(0, 16),
    provenance: digest({ id, provenance }).slice(0, 16),
  };
}

function check<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue.path.map(String).join(".") || "the record";
  throw new Error(`${where}: ${path}: ${issue.message}`);
}
