import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { messageOf } from "../../src/cli/message.js";

const folder = mkdtempSync(join(tmpdir(), "braid-message-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [file, within, missing] = [join(folder, "file.json"), join(folder, "within"), join(folder, "missing.txt")];
writeFileSync(file, "{}");
mkdirSync(within);

const told = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return messageOf(error);
  }
  throw new Error("nothing was thrown");
};

test("what the system says in codes becomes a sentence that names the path", () => {
  expect(told(() => readFileSync(missing))).toBe(`${missing} does not exist`);
  expect(told(() => renameSync(file, within))).toBe(`${within} is a folder; it must be a file`);
  expect(told(() => readFileSync(within))).toMatch(/ is a folder; it must be a file$/);
  expect(told(() => mkdirSync(file))).toBe(`${file} is a file or lies in one; it must be a folder`);
  expect(told(() => readdirSync(file))).toBe(`${file} is a file or lies in one; it must be a folder`);
});

test("other errors keep their words", () => {
  expect(messageOf(new Error("--lr: 0 is no rate"))).toBe("--lr: 0 is no rate");
  expect(messageOf("a word")).toBe("a word");
  expect(messageOf(Object.assign(new Error("connect refused"), { code: "ECONNREFUSED", syscall: "connect" }))).toBe(
    "connect refused",
  );
});
