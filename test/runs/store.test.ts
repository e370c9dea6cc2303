import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { appendJsonl, readJsonl, resumeJsonl } from "../../src/runs/jsonl.js";
import { makeRecord } from "../../src/runs/record.js";
import { importJsonl, packageStore, readStore, runFile, writeRun } from "../../src/runs/store.js";
import { fakeRecord, fakeSpec } from "./fake.js";

let folder: string;
let store: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "braid-runs-"));
  store = join(folder, "store");
});
afterEach(() => rmSync(folder, { recursive: true }));

const edit = (file: string, from: string | RegExp, to: string) => {
  const before = readFileSync(file, "utf8");
  const after = before.replace(from, to);
  expect(after).not.toBe(before);
  writeFileSync(file, after);
};

describe("the run store", () => {
  test("gives back what was written, by finding and seed", () => {
    const runs = [fakeRecord({ spec: fakeSpec(1) }), fakeRecord({ spec: fakeSpec(0) }), fakeRecord({ finding: "a" })];
    for (const run of runs) writeRun(store, run);
    expect(readStore(store)).toEqual([runs[2], runs[1], runs[0]]);
    expect(readStore(store, "block-ratio")).toEqual([runs[1], runs[0]]);
  });

  test("leaves no temporary file behind", () => {
    const file = writeRun(store, fakeRecord());
    expect(readdirSync(dirname(file))).toEqual([`${fakeRecord().id}.json`]);
  });

  test("keeps a run however many points its curve has", () => {
    const { finding, label, spec, result, provenance } = fakeRecord();
    const curve = Array.from({ length: 300 }, (_, i) => ({ step: i + 1, tokens: i + 1, lr: 1e-3, train: 3 }));
    const run = makeRecord({ finding, label, spec }, { ...result, curve }, provenance);
    writeRun(store, run);
    expect(readStore(store)).toEqual([run]);
  });

  test("is empty where there is no folder", () => {
    expect(readStore(join(folder, "nowhere"))).toEqual([]);
    expect(readStore(store, "block-ratio")).toEqual([]);
  });

  test("notices a loss changed by hand, and says in which run and file", () => {
    const file = writeRun(store, fakeRecord());
    edit(file, '"nllPerToken": 3', '"nllPerToken": 2.9');
    expect(() => readStore(store)).toThrow(
      `${file}: result of run ${fakeRecord().id} (block-ratio 1:5, seed 0) was changed after the run`,
    );
  });

  test("notices a changed label and a changed adapter", () => {
    const file = writeRun(store, fakeRecord());
    edit(file, '"1:5"', '"1:1"');
    expect(() => readStore(store)).toThrow("finding, label or spec of run");
    writeRun(store, fakeRecord());
    edit(file, "test adapter", "better adapter");
    expect(() => readStore(store)).toThrow("provenance of run");
  });

  test("notices a spec that does not belong to the id", () => {
    const file = writeRun(store, fakeRecord());
    edit(file, '"seed": 0', '"seed": 7');
    expect(() => readStore(store)).toThrow(/the id is [0-9a-f]{16}, but spec and numericsVersion hash to [0-9a-f]{16}/);
  });

  test("names file and field of a record with a wrong shape", () => {
    const file = writeRun(store, fakeRecord());
    edit(file, '"trainLoss": 3.1', '"trainLoss": "low"');
    expect(() => readStore(store)).toThrow(`${file}: result.trainLoss: `);
    writeFileSync(file, "{");
    expect(() => readStore(store)).toThrow(`${file}: cannot be read as JSON`);
  });

  test("refuses a run under another run's name", () => {
    const file = writeRun(store, fakeRecord());
    renameSync(file, join(dirname(file), "0000000000000000.json"));
    expect(() => readStore(store)).toThrow(`so it should be ${file}`);
  });

  test("that ships with the package is sound", () => {
    expect(() => readStore(packageStore)).not.toThrow();
  });
});

describe("a JSONL of finished runs", () => {
  const jsonl = () => join(folder, "runs.jsonl");

  test("loses nothing but an unfinished last line", () => {
    appendJsonl(jsonl(), fakeRecord());
    appendFileSync(jsonl(), '{"id":"cut');
    expect(readJsonl(jsonl())).toEqual({ runs: [fakeRecord()], unfinished: 10 });
    resumeJsonl(jsonl());
    expect(readJsonl(jsonl())).toEqual({ runs: [fakeRecord()], unfinished: 0 });
    appendJsonl(jsonl(), fakeRecord({ spec: fakeSpec(1) }));
    expect(readJsonl(jsonl()).runs).toHaveLength(2);
  });

  test("names the line that is not sound", () => {
    appendJsonl(jsonl(), fakeRecord());
    appendFileSync(jsonl(), "nonsense\n");
    expect(() => readJsonl(jsonl())).toThrow(`${jsonl()}, line 2: not JSON`);
  });

  test("is imported once: the second time every run is skipped", () => {
    appendJsonl(jsonl(), fakeRecord());
    appendJsonl(jsonl(), fakeRecord({ spec: fakeSpec(1) }));
    expect(importJsonl(jsonl(), store)).toMatchObject({ added: [{}, {}], skipped: [], unfinished: false });
    expect(importJsonl(jsonl(), store)).toMatchObject({ added: [], skipped: [{}, {}] });
    expect(readStore(store)).toHaveLength(2);
  });

  test("with other losses for a stored run is refused whole, and the message names both", () => {
    const file = writeRun(store, fakeRecord({}, 3));
    appendJsonl(jsonl(), fakeRecord({ spec: fakeSpec(1) }));
    appendJsonl(jsonl(), fakeRecord({}, 2.5));
    expect(() => importJsonl(jsonl(), store)).toThrow(
      new RegExp(`other losses in .*runs.jsonl, 2.5 nats a token .*, than in ${file.replaceAll(".", "\\.")}, 3 nats`),
    );
    expect(existsSync(runFile(store, fakeRecord({ spec: fakeSpec(1) })))).toBe(false);
  });

  test("must exist", () => {
    expect(() => importJsonl(jsonl(), store)).toThrow(`no such file: ${jsonl()}`);
  });
});
