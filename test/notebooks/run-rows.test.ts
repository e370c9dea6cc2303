import { expect, it } from "vitest";
import {
  columns,
  compare,
  matcher,
  pack,
  type RunRow,
  short,
  shown,
  unpack,
} from "../../src/workbook/browser/run-rows.js";

const row = (more: Partial<RunRow>): RunRow => ({
  finding: "block-ratio",
  label: "1:5",
  seed: 0,
  precision: "f32",
  pattern: "MMMT",
  architecture: "inter",
  parameters: 4_478_984,
  trained: 1e6,
  tokens: 16_777_216,
  rate: 0.006,
  perToken: 3.8471,
  perByte: 1.08,
  tokensPerSecond: 521_345,
  seconds: 32.2,
  adapter: "an adapter",
  date: "2026-11-22T07:12:03.912Z",
  commit: "0123456789abcdef0123456789abcdef01234567+dirty",
  id: "1070e12cfd8a1dc1",
  command: "braid train",
  ...more,
});

const rows = [row({}), row({ label: "1:12", seed: 1, precision: "mixed", id: "2" }), row({ finding: "moe", id: "3" })];

it("comes back from packing as it went in", () => {
  expect(unpack(pack(rows))).toEqual(rows);
  expect(unpack(JSON.parse(JSON.stringify(pack(rows))))).toEqual(rows);
  expect(unpack(pack([]))).toEqual([]);
  const many = Array.from({ length: 600 }, (_, seed) =>
    row({ seed, id: `1070e12cfd8a1${seed}`, command: `braid train --spec data/runs/1070e12cfd8a1${seed}.json` }),
  );
  expect(unpack(pack(many))).toEqual(many);
  expect(JSON.stringify(pack(many)).length / 600, "bytes a row: texts that repeat are written once").toBeLessThan(120);
});

it("finds rows by words in any column, by finding and by label", () => {
  const fits = matcher(rows);
  const found = (text: string, finding = "", label = "") =>
    rows.flatMap((_, index) => (fits(index, { text, finding, label }) ? [index] : []));
  expect(found("")).toEqual([0, 1, 2]);
  expect(found("MIXED block")).toEqual([1]);
  expect(found("4.48m 521k 16777216")).toEqual([0, 1, 2]);
  expect(found("", "moe")).toEqual([2]);
  expect(found("", "block-ratio", "1:5")).toEqual([0]);
  expect(found("absent")).toEqual([]);
});

it("orders numbers by size and labels as people count", () => {
  expect(["1:12", "0:1", "1:5"].sort(compare)).toEqual(["0:1", "1:5", "1:12"]);
  expect([10, 9, 100].sort(compare)).toEqual([9, 10, 100]);
});

it("shows numbers rounded for reading", () => {
  expect([0, 7, 940, 999.6, 521_345, 4_500_000, 999_600, 1.2e9].map(short)).toEqual([
    "0",
    "7",
    "940",
    "1.00k",
    "521k",
    "4.50M",
    "1.00M",
    "1.20B",
  ]);
  const cells = Object.fromEntries(columns.map((column) => [column.key, shown(column, rows[0][column.key])]));
  expect(cells).toMatchObject({
    perToken: "3.8471",
    perByte: "1.0800",
    date: "2026-11-22 07:12",
    commit: "0123456+dirty",
  });
});
