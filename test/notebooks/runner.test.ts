import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import { Kernel } from "../../src/workbook/kernel.js";
import { readNotebook } from "../../src/workbook/notebook.js";
import { writeReport } from "../../src/workbook/report.js";
import { isBad, runWorkbook } from "../../src/workbook/workbook.js";
import { checkout, notebookFolder, save } from "./fixture.js";

const folder = notebookFolder();
const out = join(folder.path, "out");
afterAll(folder.remove);

/** The kernels that this process has started and that are still there. */
function kernels(): string[] {
  const list = spawnSync("ps", ["-eo", "ppid=,args="], { encoding: "utf8" }).stdout.split("\n");
  return list.filter((line) => line.includes("kernel-host") && Number.parseInt(line, 10) === process.pid);
}

it("runs cells, injects parameters, keeps bursts of output, updates displays, accepts expected errors", async () => {
  const path = save(folder.path, "good.ipynb", [
    { source: 'let scale = "recorded"; // which runs\nlet seeds = 3;\nlet ratios = ["1:1"];', tags: ["parameters"] },
    "console.log(scale, seeds + 1, ratios.length);",
    'import * as tslab from "tslab";\nconst shown = tslab.newDisplay();\nshown.html("<b>first</b>");',
    'for (let i = 0; i < 1500; i++) console.log("line", i);',
    'shown.html("<b>second</b>");',
    { source: 'throw new RangeError("as expected");', tags: ["raises-exception"] },
    { source: 'const wrong: number = "text";', tags: ["raises-exception"] },
    "const slow: number = await new Promise<number>((done) => setTimeout(() => done(4), 50));\nslow",
    'console.error("a warning");',
  ]);
  const seen: string[] = [];
  const [outcome] = await runWorkbook({
    notebooks: [path],
    scale: "smoke",
    params: ["seeds=5", 'ratios=["1:1","1:5"]'],
    out,
    onCell: (_, { number, status }) => {
      seen.push(`${number} ${status}`);
      if (seen.length === 1) expect(kernels()).toHaveLength(1);
    },
  });
  expect(outcome).toMatchObject({ status: "ok", messages: [] });
  const { cells } = readNotebook(join(out, "good.ipynb"));
  expect(cells[1].source).toBe('scale = "smoke";\nseeds = 5;\nratios = ["1:1","1:5"];\nvoid 0;');
  expect(cells[1].outputs).toEqual([]);
  expect(cells[2].outputs).toEqual([{ output_type: "stream", name: "stdout", text: "smoke 6 2\n" }]);
  expect(cells[3].outputs).toMatchObject([{ output_type: "display_data", data: { "text/html": "<b>second</b>" } }]);
  const burst = Array.from({ length: 1500 }, (_, i) => `line ${i}\n`).join("");
  expect(cells[4].outputs).toEqual([{ output_type: "stream", name: "stdout", text: burst }]);
  expect(cells[6].outputs).toMatchObject([{ output_type: "error", ename: "RangeError", evalue: "as expected" }]);
  expect(cells[7].outputs).toMatchObject([
    {
      output_type: "error",
      ename: "TypeScriptError",
      evalue: "line 1, column 7: Type 'string' is not assignable to type 'number'.",
    },
  ]);
  expect(cells[8].outputs).toMatchObject([{ text: "4\n" }]);
  expect(cells[9].outputs).toEqual([{ output_type: "stream", name: "stderr", text: "a warning\n" }]);
  expect(cells[9].metadata.braid).toMatchObject({ status: "ok", seconds: expect.any(Number) });
  expect(seen).toContain("2 ok");
  expect(kernels()).toEqual([]);
});

it("names the failing cell, leaves its output as an error, does not run later cells, and exits with 1", () => {
  const path = save(folder.path, "failing.ipynb", [
    'console.log("before");',
    'console.log("out");\nconsole.error("noise");\nfunction fail(): never { throw new TypeError("two\\nlines"); }\nfail();',
    'console.log("after");',
  ]);
  const run = spawnSync(process.execPath, ["dist/cli/main.js", "run", path, "--out", out], {
    cwd: checkout,
    encoding: "utf8",
  });
  expect(run.status).toBe(1);
  expect(run.stderr).toMatch(/failing\.ipynb, cell 2 \(console\.log\("out"\);\): TypeError: two\nlines/);
  expect(run.stdout).toMatch(/cell 1\/3 {2}ok/);
  const { cells } = readNotebook(join(out, "failing.ipynb"));
  expect(cells[1].outputs).toMatchObject([
    { output_type: "stream", name: "stdout", text: "out\n" },
    { output_type: "stream", name: "stderr", text: "noise\n" },
    { output_type: "error", ename: "TypeError", evalue: "two\nlines" },
  ]);
  expect(JSON.stringify(cells[1].outputs)).not.toContain("node_modules");
  expect(cells.map((cell) => (cell.metadata.braid as { status: string }).status)).toEqual(["ok", "error", "not run"]);
  expect(cells[2].outputs).toEqual([]);
});

it("tells the progress that a running cell displays", async () => {
  const progress = (step: number, more = "") =>
    `report({ label: '1:5 "first"', step: ${step}, steps: 8, tokens: 64, loss: 4.25, tokensPerSecond: 1000, secondsLeft: 9${more} });`;
  const path = save(folder.path, "progress.ipynb", [
    'import * as tslab from "tslab"; import { liveProgress } from "braid-lm/workbook";',
    `const report = liveProgress(tslab); ${progress(1)} await new Promise((done) => setTimeout(done, 400)); ${progress(8, ", validation: 4.5")}`,
  ]);
  const told: (string | undefined)[] = [];
  const [outcome] = await runWorkbook({
    ...{ notebooks: [path], out },
    onCell: (_, { number, status, progress }) => number === 2 && status === "running" && told.push(progress),
  });
  expect(outcome).toMatchObject({ status: "ok", messages: [] });
  expect(told).toEqual([
    undefined,
    '1:5 "first": step 1/8, loss 4.250, 1.00 ktok/s, 9 s left',
    '1:5 "first": step 8/8, loss 4.250, validation 4.500, 1.00 ktok/s, done',
  ]);
});

it("ends a cell that loops for ever, and its kernel, at the time-out", async () => {
  const path = save(folder.path, "endless.ipynb", ["const x = 1;", "while (true) {}", "x"]);
  const started = Date.now();
  const [outcome] = await runWorkbook({ notebooks: [path], timeout: 1.5, out });
  expect(outcome.messages[0]).toMatch(/cell 2 \(while \(true\) \{\}\): TimeoutError: The cell took longer than 1.5 s/);
  expect(Date.now() - started).toBeLessThan(30_000);
  const { cells } = readNotebook(join(out, "endless.ipynb"));
  expect(cells[1].outputs).toMatchObject([{ output_type: "error", ename: "TimeoutError" }]);
  expect(cells[1].metadata.braid).toMatchObject({ status: "timeout" });
  expect(kernels()).toEqual([]);
});

it("ends a zombie: an awaited loop that an interrupt does not stop", async () => {
  const path = save(folder.path, "zombie.ipynb", [
    'process.on("SIGTERM", () => {});\nwhile (true) await new Promise((done) => setTimeout(done, 5));',
  ]);
  const next = save(folder.path, "next.ipynb", ["1"]);
  const [outcome, last] = await runWorkbook({ notebooks: [path, next], totalTimeout: 4, out });
  expect(outcome.messages[0]).toMatch(
    /cell 1 .*TimeoutError: The total time of the run \(--total-timeout\) was used up/,
  );
  expect(kernels()).toEqual([]);
  // What was not reached is told, and is no success.
  expect(last).toMatchObject({
    status: "not run",
    messages: [expect.stringMatching(/next\.ipynb: not run, for the total/)],
  });
  expect(isBad(last)).toBe(true);
  const report = join(folder.path, "report");
  expect(readFileSync(writeReport(report, [outcome, last]), "utf8")).toContain("<td>next.ipynb</td><td>not run</td>");
  expect(existsSync(join(report, "next.html"))).toBe(false);
});

it("takes a process that cannot be made for a dead kernel, and goes on with the next notebook", async () => {
  await expect(Kernel.start({ cwd: join(folder.path, "nowhere") })).rejects.toThrow(
    /^The kernel could not be started \(.*ENOENT\)\.$/,
  );
  const start = vi.spyOn(Kernel, "start").mockRejectedValueOnce(new Error("no kernel today"));
  const [first, second] = ["first", "second"].map((name) => save(folder.path, `${name}.ipynb`, ["1 + 1"]));
  const outcomes = await runWorkbook({ notebooks: [first, second], out });
  start.mockRestore();
  expect(outcomes.map(({ status }) => status)).toEqual(["failed", "ok"]);
  expect(outcomes[0].messages).toEqual([expect.stringMatching(/first\.ipynb: no kernel today$/)]);
});

it("notices a dead kernel at once", async () => {
  const path = save(folder.path, "dead.ipynb", ['console.log("last");\nprocess.exit(7);']);
  const started = Date.now();
  const [outcome] = await runWorkbook({ notebooks: [path], timeout: 50, out });
  expect(outcome.messages[0]).toMatch(/cell 1 .*: DeadKernel: The kernel exited with code 7/);
  expect(Date.now() - started).toBeLessThan(30_000);
});

it("fails on an error that asynchronous code throws and nothing catches", async () => {
  const path = save(folder.path, "uncaught.ipynb", [
    'void Promise.reject(new Error("lost"));\nawait new Promise((done) => setTimeout(done, 50));',
  ]);
  const [outcome] = await runWorkbook({ notebooks: [path], out });
  expect(outcome).toMatchObject({ status: "failed" });
  expect(outcome.messages[0]).toMatch(/cell 1 .*: Error: lost/);
});

it("resumes: finished notebooks are left out, the failed one starts anew", async () => {
  const own = join(folder.path, "resume");
  const first = save(folder.path, "r1.ipynb", ["const a = 1; a"]);
  const second = save(folder.path, "r2.ipynb", ['throw new Error("not yet");']);
  const failed = await runWorkbook({ notebooks: [first, second], out: own });
  expect(failed.map((outcome) => outcome.status)).toEqual(["ok", "failed"]);
  save(folder.path, "r2.ipynb", ['console.log("now");']);
  const resumed = await runWorkbook({ notebooks: [first, second], out: own, resume: true });
  expect(resumed.map((outcome) => outcome.status)).toEqual(["unchanged since the last run", "ok"]);
});
