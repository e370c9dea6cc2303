import { mkdirSync } from "node:fs";
import { type Command, Option } from "commander";
import { requireNotebookNode } from "../../workbook/node-version.js";
import type { CellProgress } from "../../workbook/runner.js";
import type { Outcome } from "../../workbook/workbook.js";
import { positive } from "../numbers.js";
import { stopSignal } from "../stop.js";

interface RunFlags {
  scale?: string;
  param: string[];
  timeout?: number;
  totalTimeout?: number;
  out: string;
  check?: boolean;
  inPlace?: boolean;
  resume?: boolean;
  html?: string;
}

export function register(program: Command): void {
  program
    .command("run")
    .description("Execute notebooks in a tslab kernel, without Python or a Jupyter server")
    .argument("[notebooks...]", "notebooks to run, in this order (default: all of notebooks/)")
    .addOption(new Option("--scale <scale>", "the parameter `scale`").choices(["recorded", "smoke", "nano", "mini"]))
    .option("--param <name=value>", "another parameter; may be repeated", collect, [])
    .option("--timeout <s>", "seconds that a cell may take", positive)
    .option("--total-timeout <s>", "seconds that all notebooks together may take", positive)
    .option("--out <dir>", "folder for the executed notebooks and their figures", "out/notebooks")
    .option("--check", "compare outputs and figures with the stored ones (of scale recorded: others are not compared)")
    .option("--in-place", "store outputs in the notebooks themselves, and figures in figures/")
    .option("--resume", "leave out notebooks that the last run finished, if unchanged")
    .option("--html <dir>", "write the executed notebooks as HTML pages")
    .addHelpText(
      "after",
      `
A failed run leaves the executed part, with the error in its cell, in --out; --resume then leaves out the notebooks
that are done and starts the failed one from its first cell (a kernel's state does not outlive it).
Cell tags: parameters, raises-exception (an error is expected), volatile (--check ignores its outputs).`,
    )
    .action(run);
}

async function run(notebooks: string[], flags: RunFlags): Promise<void> {
  requireNotebookNode();
  // Loaded here, so that other commands start without ZeroMQ.
  const { isBad, runWorkbook } = await import("../../workbook/workbook.js");
  const stop = stopSignal();
  const { param, html, ...options } = flags;
  // Better now than after the notebooks have run.
  if (html !== undefined) mkdirSync(html, { recursive: true });
  if (flags.check && flags.scale !== undefined && flags.scale !== "recorded") {
    // `npm run reproduce -- --scale nano` trains anew; what is stored are recorded runs.
    process.stdout.write(`Outputs of scale ${flags.scale} are not compared: the stored ones are of scale recorded.\n`);
    options.check = false;
  }
  const outcomes = await runWorkbook({
    ...options,
    notebooks,
    params: param,
    signal: stop.signal,
    onCell: printCell,
    onNotebook: printOutcome,
  });
  stop.dispose();
  if (options.check && outcomes.every(({ status }) => status === "ok")) {
    process.stdout.write(
      `${outcomes.length} ${outcomes.length === 1 ? "notebook" : "notebooks"}: outputs and figures are those stored.\n`,
    );
  }
  if (html !== undefined) {
    const { writeReport } = await import("../../workbook/report.js");
    process.stdout.write(`report: ${writeReport(html, outcomes)}\n`);
  }
  if (outcomes.some((outcome) => outcome.status === "interrupted") || stop.signal.aborted) process.exitCode = 130;
  else if (outcomes.some(isBad)) process.exitCode = 1;
}

const terminal = process.stdout.isTTY;

/** Milliseconds between lines of progress where they cannot be redrawn in place. */
const quiet = 30_000;
let told = Number.NEGATIVE_INFINITY;

function printCell(notebook: string, { cell, number, count, status, seconds: taken, progress }: CellProgress): void {
  if (status === "running" && !terminal) {
    if (progress === undefined || performance.now() - told < quiet) return;
    told = performance.now();
  }
  const line = progress ?? cell.source.split("\n").find((text) => text.trim()) ?? "";
  const time = status === "running" ? "" : ` ${taken.toFixed(1)} s`;
  const width = terminal ? Math.max(40, process.stdout.columns - 1) : 160;
  const text = `${notebook}  cell ${number}/${count}  ${status}${time}  ${line.trim()}`.slice(0, width);
  process.stdout.write(
    terminal ? `\r\u001b[K${text}${status === "ok" || status === "running" ? "" : "\n"}` : `${text}\n`,
  );
}

function printOutcome({ path, status, seconds: taken, messages, executed }: Outcome): void {
  const time = taken > 0 ? ` in ${taken.toFixed(1)} s` : "";
  process.stdout.write(`${terminal ? "\r\u001b[K" : ""}${path}  ${status}${time}  -> ${executed}\n`);
  for (const message of messages) process.stderr.write(`braid: ${message}\n`);
}

function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}
