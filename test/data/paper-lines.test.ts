/** The transcribed tables of the paper: a number changed by hand in any of them, compared with or not, is told by file and line. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const folder = fileURLToPath(new URL("../../data/paper/", import.meta.url));
const stored = fileURLToPath(new URL("../../data/golden/paper-lines.json", import.meta.url));

type Lines = Record<string, string[]>;

const checksum = (line: string) => createHash("sha256").update(line).digest("hex").slice(0, 8);
const linesOf = (text: string) => text.split("\n");

function read(): Lines {
  const files = readdirSync(folder).sort();
  return Object.fromEntries(files.map((file) => [file, linesOf(readFileSync(folder + file, "utf8"))]));
}

/** What differs, a sentence a line or file. */
function changes(known: Lines, found: Lines): string[] {
  const remedy = "; restore it, or, where it was transcribed wrongly, run this test with UPDATE_GOLDEN=1";
  return [...new Set([...Object.keys(known), ...Object.keys(found)])].flatMap((file) => {
    const [was, is] = [known[file], found[file]];
    const where = `data/paper/${file}`;
    if (was === undefined) return [`${where} is new${remedy}`];
    if (is === undefined) return [`${where} is gone${remedy}`];
    const changed = is.flatMap((line, i) =>
      checksum(line) === was[i] ? [] : [`${where}, line ${i + 1}, was changed: "${line}"${remedy}`],
    );
    const missing = was.length > is.length ? [`${where} lost ${was.length - is.length} of its lines${remedy}`] : [];
    return [...changed.slice(0, 1), ...missing];
  });
}

it("are as they were transcribed", () => {
  const found = read();
  if (process.env.UPDATE_GOLDEN === "1") {
    const sums = Object.fromEntries(Object.entries(found).map(([file, lines]) => [file, lines.map(checksum)]));
    writeFileSync(stored, `${JSON.stringify(sums, null, 1)}\n`);
  }
  expect(existsSync(stored), "data/golden/paper-lines.json; UPDATE_GOLDEN=1 writes it").toBe(true);
  expect(changes(JSON.parse(readFileSync(stored, "utf8")) as Lines, found)).toEqual([]);
});

it("are told apart from changed ones by file and line", () => {
  const found = read();
  const known = Object.fromEntries(Object.entries(found).map(([file, lines]) => [file, lines.map(checksum)]));
  const file = "table13_throughput.csv";
  const edited = found[file].map((line, i) => (i === 3 ? line.replace(/\d/, "9,") : line));
  expect(changes(known, { ...found, [file]: edited })).toEqual([
    expect.stringMatching(/^data\/paper\/table13_throughput\.csv, line 4, was changed: ".*9,.*"; restore it/),
  ]);
  expect(changes(known, { ...found, [file]: found[file].slice(0, 4) })[0]).toMatch(/csv lost \d+ of its lines/);
  const { [file]: _, ...others } = found;
  expect(changes(known, others)).toEqual([expect.stringMatching(/table13_throughput\.csv is gone/)]);
});
