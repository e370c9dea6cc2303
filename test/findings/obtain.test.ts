import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blockRatio } from "../../src/findings/block-ratio.js";
import { recordedData } from "../../src/findings/block-ratio-grid.js";
import { obtainRuns } from "../../src/findings/obtain.node.js";
import { recordedRuns } from "../../src/findings/recorded.node.js";
import { findingsTable } from "../../src/findings/summary.node.js";
import { makeRecord } from "../../src/runs/record.js";
import { runFile, writeRun } from "../../src/runs/store.js";
import { fakeProvenance, fakeResult } from "../runs/fake.js";

let store: string;
const planned = blockRatio.grid({ scale: "nano", data: recordedData });
const records = planned.map((run, i) => makeRecord(run, fakeResult(4 + i / 1000), fakeProvenance));
beforeAll(() => {
  store = mkdtempSync(join(tmpdir(), "braid-store-"));
  for (const record of records) writeRun(store, record);
});
afterAll(() => rmSync(store, { recursive: true }));

describe("recorded runs", () => {
  test("come in grid order, with others of the same folder left out", async () => {
    writeRun(
      store,
      makeRecord({ ...planned[0], spec: { ...planned[0].spec, seed: 77 } }, fakeResult(), fakeProvenance),
    );
    expect(await obtainRuns(blockRatio, { scale: "recorded", store })).toEqual(records);
  });

  test("can be narrowed to seeds and labels", () => {
    const some = recordedRuns(blockRatio, { store, seeds: [1], labels: ["1:5", "0:1"] });
    expect(some.map(({ label, spec }) => `${label}/${spec.seed}`)).toEqual(["1:5/1", "0:1/1"]);
    expect(recordedRuns(blockRatio, { store, seeds: [], labels: [] })).toHaveLength(30);
  });

  test("that are missing are listed with their files and the command that makes them", () => {
    const [gone] = records.slice(9);
    rmSync(runFile(store, gone));
    const read = () => recordedRuns(blockRatio, { store });
    expect(read).toThrow(`1 of 30 recorded runs of block-ratio are missing: 1:5 seed 1 (${runFile(store, gone)})`);
    expect(read).toThrow("The store holds 1 other runs of it");
    expect(read).toThrow('"braid sweep --finding block-ratio --scale nano --data TEXT');
    expect(() => findingsTable(store)).toThrow("1 of 30 recorded runs");
    writeRun(store, gone);
  });

  test("of the learning-rate check that are missing are listed with their rates", () => {
    expect(() => recordedRuns(blockRatio, { store, learningRates: true })).toThrow(
      /(\d+) of \1 recorded runs of block-ratio-lr are missing: 1:0 seed 0, learning rate 0\.\d+ .*, and \d+ more\. .*--learning-rates/,
    );
  });

  test("with a number changed by hand are refused, and the message says where", () => {
    const file = runFile(store, records[3]);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace('"nllPerToken": 4.003', '"nllPerToken": 3.903'));
    expect(() => findingsTable(store)).toThrow(
      `${file}: result of run ${records[3].id} (block-ratio 1:5, seed 0) was changed`,
    );
    writeFileSync(file, text);
  });

  test("become the rows of the README's table", () => {
    const table = findingsTable(store);
    expect(table).toContain("| costs | Mamba needs 18 % fewer training FLOPs");
    expect(table).toMatch(/\| block-ratio \| 1:1 has the lowest loss of all ratios\. \| .* \| \*\*\w+\*\* \|/);
  });
});
