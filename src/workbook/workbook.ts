/** `braid run`: a set of notebooks, executed one after the other, checked, recorded or reported as asked. */
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { writeAtomically } from "../data/files.node.js";
import { checkFigures, checkOutputs } from "./check.js";
import { allNotebooks, findCheckout } from "./checkout.js";
import { type Notebook, readNotebook, sourceHash, writeNotebook } from "./notebook.js";
import {
  declaredParameters,
  injectParameters,
  isInjected,
  type Parameter,
  type ParameterValues,
  parseParameter,
  unknownParameter,
} from "./parameters.js";
import { type CellProgress, type RunResult, runNotebook } from "./runner.js";

export interface WorkbookOptions {
  /** Paths; all of `notebooks/*.ipynb` when empty. */
  notebooks: string[];
  /** Value of the parameter `scale`, for the notebooks that have one. */
  scale?: string;
  /** `name=value` each. */
  params?: string[];
  /** Seconds a cell may take. */
  timeout?: number;
  /** Seconds the whole set may take. */
  totalTimeout?: number;
  /** Folder for executed notebooks and their figures. */
  out: string;
  /** Also store outputs in the notebooks themselves, and figures in `figures/`, once a notebook has succeeded. */
  inPlace?: boolean;
  check?: boolean;
  /** Leave out notebooks that the last run into `out` finished, if they and their parameters are unchanged. */
  resume?: boolean;
  signal?: AbortSignal;
  onCell?: (notebook: string, progress: CellProgress) => void;
  onNotebook?: (outcome: Outcome) => void;
}

export interface Outcome {
  /** Path as given or found, relative to the working folder. */
  path: string;
  /** Path of the executed notebook. */
  executed: string;
  status: "ok" | "failed" | "differs" | "unchanged since the last run" | "interrupted" | "not run";
  seconds: number;
  /** One sentence each: the error and its cell, or what differs from the stored outputs. */
  messages: string[];
  failedCell?: string;
}

/** Whether a notebook did not do what was asked of it. */
export function isBad({ status }: Outcome): boolean {
  return status !== "ok" && status !== "unchanged since the last run";
}

interface Job {
  path: string;
  source: Notebook;
  values: ParameterValues;
}

/**
 * Runs the notebooks in order, each in a kernel of its own; one that fails does not keep the others from running.
 * @throws Error for wrong arguments, before anything runs
 */
export async function runWorkbook(options: WorkbookOptions): Promise<Outcome[]> {
  const jobs = prepare(options);
  const deadline = options.totalTimeout === undefined ? undefined : performance.now() + options.totalTimeout * 1000;
  const finished = new FinishedRuns(options.out, options.resume ?? false);
  const outcomes: Outcome[] = [];
  for (const job of jobs) {
    if (options.signal?.aborted) break;
    const late = performance.now() > (deadline ?? Number.POSITIVE_INFINITY);
    const outcome = late ? notReached(job, options) : await runJob(job, options, deadline, finished);
    outcomes.push(outcome);
    options.onNotebook?.(outcome);
  }
  return outcomes;
}

/** Where a notebook stands for its reader, and where it is kept once executed. */
function placeOf({ path }: Job, { out }: WorkbookOptions): { path: string; executed: string } {
  return { path: relative(process.cwd(), path) || path, executed: join(out, basename(path)) };
}

function notReached(job: Job, options: WorkbookOptions): Outcome {
  const place = placeOf(job, options);
  const message = `${place.path}: not run, for the total time (--total-timeout) was used up before it.`;
  return { ...place, status: "not run", seconds: 0, messages: [message] };
}

async function runJob(
  job: Job,
  options: WorkbookOptions,
  deadline: number | undefined,
  finished: FinishedRuns,
): Promise<Outcome> {
  const { path, source, values } = job;
  const { path: label, executed } = placeOf(job, options);
  const figures = join(options.out, "figures", basename(path, ".ipynb"));
  const outcome: Outcome = { path: label, executed, status: "ok", seconds: 0, messages: [] };
  const key = createHash("sha256")
    .update(JSON.stringify([sourceHash(source), values]))
    .digest("hex");
  let fresh: Notebook;
  if (finished.has(path, key) && existsSync(executed)) {
    fresh = readNotebook(executed);
    outcome.status = "unchanged since the last run";
  } else {
    finished.forget(path);
    rmSync(figures, { recursive: true, force: true });
    const notebook = withProvenance(injectParameters(source, values, label), values);
    let result: RunResult;
    try {
      result = await runNotebook(path, notebook, {
        save: executed,
        timeout: options.timeout,
        deadline,
        env: { BRAID_FIGURES: resolve(figures) },
        signal: options.signal,
        onCell: (progress) => options.onCell?.(label, progress),
      });
    } catch (error) {
      // A kernel that does not start is this notebook's trouble; the others may have better luck.
      return { ...outcome, status: "failed", messages: [`${label}: ${(error as Error).message}`] };
    }
    outcome.seconds = result.seconds;
    if (result.failure || options.signal?.aborted) return failed(outcome, result, options.signal?.aborted ?? false);
    finished.add(path, key);
    fresh = result.notebook;
  }
  const stored = join(findCheckout(dirname(path)) ?? dirname(path), "figures");
  if (options.check) {
    outcome.messages = [...checkOutputs(source, fresh, label), ...checkFigures(stored, figures, "figures")];
    if (outcome.messages.length > 0) outcome.status = "differs";
  }
  if (options.inPlace) {
    writeNotebook(path, withoutRunTraces(fresh));
    copyFigures(figures, stored);
  }
  return outcome;
}

function failed(outcome: Outcome, { failure }: RunResult, interrupted: boolean): Outcome {
  outcome.status = interrupted ? "interrupted" : "failed";
  if (!failure) return outcome;
  const { ename, evalue } = failure.error;
  outcome.failedCell = failure.cell.id;
  outcome.messages = [`${outcome.path}, ${failure.cellName}: ${ename}: ${evalue}`];
  return outcome;
}

function prepare(options: WorkbookOptions): Job[] {
  const paths = options.notebooks.length > 0 ? options.notebooks.map((path) => resolve(path)) : allNotebooks();
  const taken = new Map<string, string>();
  const jobs = paths.map((path) => {
    const same = taken.get(basename(path));
    if (same) throw new Error(`${same} and ${path} have the same file name; run them apart, or with different --out.`);
    taken.set(basename(path), path);
    const source = readNotebook(path);
    return { path, source, declared: declaredParameters(source), values: {} as ParameterValues };
  });
  for (const argument of options.params ?? []) {
    const name = parseParameter(argument, [])[0];
    const takers = jobs.filter(({ declared }) => declared.some((parameter) => parameter.name === name));
    if (takers.length === 0) {
      throw new Error(jobs.map((job) => unknownParameter(name, names(job.declared), basename(job.path))).join(" "));
    }
    for (const job of takers) job.values[name] = parseParameter(argument, job.declared)[1];
  }
  for (const job of jobs) {
    if (options.scale !== undefined && names(job.declared).includes("scale")) job.values.scale = options.scale;
    if (options.check) requireDefaults(job, "--check compares with the stored outputs, which were made");
    if (options.inPlace) requireDefaults(job, "--in-place stores what the notebook itself would print: it runs");
  }
  return jobs;
}

/** Stored outputs belong to the notebook's own parameter values; others would be compared or stored under a false name. */
function requireDefaults({ path, declared, values }: Job & { declared: Parameter[] }, reason: string): void {
  for (const { name, value } of declared) {
    if (!(name in values) || JSON.stringify(values[name]) === JSON.stringify(value)) continue;
    throw new Error(
      `${reason} with ${name} = ${JSON.stringify(value)} in ${basename(path)}, not ${JSON.stringify(values[name])}.`,
    );
  }
}

function names(declared: Parameter[]): string[] {
  return declared.map((parameter) => parameter.name);
}

/** The executed notebook says how it came about. */
function withProvenance(notebook: Notebook, parameters: ParameterValues): Notebook {
  const braid = { parameters, started: new Date().toISOString(), node: process.version, platform: process.platform };
  return { ...notebook, metadata: { ...notebook.metadata, braid } };
}

/** What is checked in says nothing about one run: no injected cell, no times. */
function withoutRunTraces(notebook: Notebook): Notebook {
  const cells = notebook.cells
    .filter((cell) => !isInjected(cell))
    .map((cell) => {
      const { braid: _, ...metadata } = cell.metadata;
      return { ...cell, metadata };
    });
  const { braid: _, ...metadata } = notebook.metadata;
  return { ...notebook, cells, metadata };
}

function copyFigures(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(from)) {
    const temporary = join(to, `${file}.${process.pid}.tmp`);
    copyFileSync(join(from, file), temporary);
    renameSync(temporary, join(to, file));
  }
}

/**
 * Which notebooks the runs into one folder have finished, keyed by the notebook's sources and parameters. A kernel's
 * state dies with it, so resuming means: finished notebooks are not run again, the failed one starts from its first cell.
 */
class FinishedRuns {
  private readonly path: string;
  private readonly keys: Record<string, string>;

  constructor(out: string, resume: boolean) {
    this.path = join(out, "finished.json");
    this.keys = resume && existsSync(this.path) ? readKeys(this.path) : {};
  }

  has(notebook: string, key: string): boolean {
    return this.keys[basename(notebook)] === key;
  }

  forget(notebook: string): void {
    delete this.keys[basename(notebook)];
    this.save();
  }

  add(notebook: string, key: string): void {
    this.keys[basename(notebook)] = key;
    this.save();
  }

  private save(): void {
    writeAtomically(this.path, `${JSON.stringify(this.keys, null, 2)}\n`);
  }
}

function readKeys(path: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, string>;
  } catch (error) {
    throw new Error(
      `Cannot resume: ${path} is not JSON (${(error as Error).message}); delete it to run everything anew.`,
    );
  }
}
