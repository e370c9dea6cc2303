/** Runs one notebook in a kernel of its own and keeps the file up to date after each cell. */
import { dirname } from "node:path";
import { performance } from "node:perf_hooks";
import { Kernel, KernelDeath } from "./kernel.js";
import { type Cell, cellName, cellNumber, type ErrorOutput, type Notebook, tagsOf, writeNotebook } from "./notebook.js";
import { type Displays, OutputCollector } from "./outputs.js";

export type CellStatus = "ok" | "error" | "timeout" | "not run";

export interface RunOptions {
  /** Seconds that one cell may take; none without it. */
  timeout?: number;
  /** `performance.now()` by which everything must be done. */
  deadline?: number;
  /** Where the executed notebook is kept, from the first cell on. */
  save: string;
  env?: Record<string, string>;
  /** Ends the run after the current cell has been interrupted. */
  signal?: AbortSignal;
  onCell?: (progress: CellProgress) => void;
}

export interface CellProgress {
  cell: Cell;
  /** Position in the notebook, from 1; a cell of injected parameters has that of the cell before it. */
  number: number;
  /** Cells in the notebook. */
  count: number;
  status: CellStatus | "running";
  seconds: number;
  /** How far training is that the running cell shows the progress of. */
  progress?: string;
}

export interface RunResult {
  notebook: Notebook;
  seconds: number;
  failure?: { cell: Cell; cellName: string; error: ErrorOutput; status: CellStatus };
}

/**
 * Executes all code cells in order and stops at the first that fails, unless it is tagged `raises-exception`.
 * Each cell's metadata gets `braid: { status, seconds }`.
 *
 * @param path where the notebook lives: its folder is the working folder, in which imports are looked up
 */
export async function runNotebook(path: string, source: Notebook, options: RunOptions): Promise<RunResult> {
  const notebook = clean(source);
  const cells = notebook.cells.filter((cell) => cell.cell_type === "code");
  const count = cellNumber(notebook, notebook.cells.at(-1)!);
  const started = performance.now();
  const displays: Displays = new Map();
  let failure: RunResult["failure"];
  const save = () => writeNotebook(options.save, notebook);
  save();
  const kernel = await Kernel.start({ cwd: dirname(path), env: options.env });
  const stop = () => kernel.interrupt();
  options.signal?.addEventListener("abort", stop);
  try {
    for (const cell of cells) {
      if (failure || options.signal?.aborted) break;
      if (cell.source.trim() === "") {
        mark(cell, "ok", 0);
        continue;
      }
      const cellStarted = performance.now();
      const tell = (status: CellStatus | "running", progress?: string) =>
        options.onCell?.({
          ...{ cell, number: cellNumber(notebook, cell), count, status, seconds: since(cellStarted) },
          ...(progress !== undefined && { progress }),
        });
      tell("running");
      const onProgress = (text: string) => tell("running", text);
      const { status: outcome, error } = await runCell(kernel, cell, displays, options, onProgress);
      const expected = outcome === "error" && tagsOf(cell).includes("raises-exception");
      const status = expected ? "ok" : outcome;
      mark(cell, status, since(cellStarted));
      if (error && !expected) failure = { cell, cellName: cellName(notebook, cell), error, status };
      tell(status);
      save();
    }
  } finally {
    options.signal?.removeEventListener("abort", stop);
    await kernel.shutdown();
  }
  save();
  return { notebook, seconds: since(started), failure };
}

async function runCell(
  kernel: Kernel,
  cell: Cell,
  displays: Displays,
  options: RunOptions,
  onProgress: (text: string) => void,
): Promise<{ status: CellStatus; error?: ErrorOutput }> {
  const collector = new OutputCollector(displays, onProgress);
  cell.outputs = collector.outputs;
  const limit = timeLimit(options);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((done) => {
    if (limit) timer = setTimeout(done, Math.max(0, limit.milliseconds), "late");
  });
  try {
    const execution = kernel.execute(cell.source, (message) => collector.receive(message));
    const reply = await Promise.race([execution, late]);
    if (reply === "late") {
      // The kernel is ended right after; its death is then no news.
      execution.catch(() => undefined);
      const error = runnerError("TimeoutError", limit!.message);
      collector.close(error);
      return { status: "timeout", error };
    }
    cell.execution_count = reply.executionCount;
    if (reply.status === "ok" && !collector.uncaught) return { status: "ok" };
    return { status: "error", error: collector.liftError() };
  } catch (error) {
    if (!(error instanceof KernelDeath)) throw error;
    const output = runnerError(error.name, error.message);
    collector.close(output);
    return { status: "error", error: output };
  } finally {
    clearTimeout(timer);
  }
}

function timeLimit({ timeout, deadline }: RunOptions): { milliseconds: number; message: string } | undefined {
  const left = deadline === undefined ? Number.POSITIVE_INFINITY : deadline - performance.now();
  const own = timeout === undefined ? Number.POSITIVE_INFINITY : timeout * 1000;
  if (left < own) return { milliseconds: left, message: "The total time of the run (--total-timeout) was used up." };
  if (own === Number.POSITIVE_INFINITY) return undefined;
  return { milliseconds: own, message: `The cell took longer than ${timeout} s (--timeout).` };
}

function runnerError(ename: string, evalue: string): ErrorOutput {
  return { output_type: "error", ename, evalue, traceback: [`${ename}: ${evalue}`] };
}

/** A copy without outputs: what a failed run leaves must not look like its result. */
function clean(notebook: Notebook): Notebook {
  const cells = notebook.cells.map((cell) => {
    if (cell.cell_type !== "code") return cell;
    const metadata = { ...cell.metadata, braid: { status: "not run" } };
    return { ...cell, metadata, outputs: [], execution_count: null };
  });
  return { ...notebook, cells };
}

function mark(cell: Cell, status: CellStatus, seconds: number): void {
  cell.metadata.braid = { status, seconds: Math.round(seconds * 1000) / 1000 };
}

function since(start: number): number {
  return (performance.now() - start) / 1000;
}
