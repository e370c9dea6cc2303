import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lock } from "../../src/runs/lock.js";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "braid-lock-"));
  file = join(folder, "runs.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

const held = (holder: object) => writeFileSync(`${file}.lock`, JSON.stringify(holder));
/** No process has this id: it is above what the kernel gives. */
const nobody = 2 ** 22 + 1;

test("is held until it is given back", () => {
  const unlock = lock(file);
  expect(() => lock(file)).toThrow(`${file} is being written by another sweep, process ${process.pid}; wait for it`);
  unlock();
  lock(file)();
  expect(readdirSync(folder)).toEqual([]);
});

test("of a process that ended is taken over", () => {
  held({ pid: nobody, host: hostname() });
  const unlock = lock(file);
  expect(JSON.parse(readFileSync(`${file}.lock`, "utf8")).pid).toBe(process.pid);
  unlock();
});

test.runIf(process.platform === "linux")("of a process whose number another one has now is taken over", () => {
  held({ pid: process.pid, host: hostname(), started: "1" });
  lock(file)();
  expect(existsSync(`${file}.lock`)).toBe(false);
});

test("that its holder has made and not yet written is waited for", () => {
  writeFileSync(`${file}.lock`, "");
  const from = performance.now();
  expect(() => lock(file)).toThrow("cannot be read as a lock; remove it if no other sweep writes to");
  expect(performance.now() - from).toBeGreaterThan(100);
});

test("that is written while it is waited for is held by who wrote it", () => {
  writeFileSync(`${file}.lock`, "");
  const holder = JSON.stringify({ pid: process.pid, host: hostname() });
  const write = `require("node:fs").writeFileSync(${JSON.stringify(`${file}.lock`)}, ${JSON.stringify(holder)})`;
  // Another process, for this one is blocked as it waits.
  const writer = spawn(process.execPath, ["-e", write], { stdio: "ignore" });
  let message = "";
  for (let tries = 0; tries < 50 && !message.includes("being written"); tries++) {
    try {
      lock(file);
    } catch (error) {
      message = (error as Error).message;
    }
  }
  writer.kill();
  expect(message).toContain(`${file} is being written by another sweep, process ${process.pid}`);
});

test("of another machine is left alone, for nobody here knows", () => {
  held({ pid: nobody, host: "elsewhere" });
  expect(() => lock(file)).toThrow(`by process ${nobody} on elsewhere; if that has ended, remove ${file}.lock.`);
});

test("that cannot be read is left alone", () => {
  writeFileSync(`${file}.lock`, "");
  expect(() => lock(file)).toThrow(`${file}.lock cannot be read as a lock; remove it if no other sweep`);
});
