/** Jupyter notebook files (nbformat 4.5): reading with precise complaints, writing as Jupyter itself writes them. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeAtomically } from "../data/files.node.js";

export interface StreamOutput {
  output_type: "stream";
  name: "stdout" | "stderr";
  text: string;
}

export interface DisplayOutput {
  output_type: "display_data" | "execute_result";
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
  execution_count?: number | null;
}

export interface ErrorOutput {
  output_type: "error";
  ename: string;
  evalue: string;
  traceback: string[];
}

export type Output = StreamOutput | DisplayOutput | ErrorOutput;

export interface Cell {
  cell_type: "code" | "markdown" | "raw";
  id: string;
  /** Joined text; files hold a list of lines. */
  source: string;
  metadata: Record<string, unknown>;
  /** Code cells only. */
  outputs?: Output[];
  execution_count?: number | null;
  attachments?: Record<string, unknown>;
}

export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: 4;
  nbformat_minor: number;
}

/**
 * Reads and checks a notebook.
 * @throws Error naming the file, the cell and the field when it is no notebook of nbformat 4
 */
export function readNotebook(path: string): Notebook {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`Cannot read the notebook ${path}: ${(error as Error).message}.`);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not a notebook: it is not JSON (${(error as Error).message}).`);
  }
  return parseNotebook(raw, path);
}

export function parseNotebook(raw: unknown, path: string): Notebook {
  if (!isRecord(raw) || !Array.isArray(raw.cells))
    throw new Error(`${path} is not a notebook: it has no list "cells".`);
  if (raw.nbformat !== 4) {
    throw new Error(`${path} has nbformat ${String(raw.nbformat)}; open and save it in JupyterLab to get nbformat 4.`);
  }
  const ids = new Set<string>();
  const cells = raw.cells.map((cell: unknown, index) => parseCell(cell, `${path}, cell ${index + 1}`, index, ids));
  return { cells, metadata: isRecord(raw.metadata) ? raw.metadata : {}, nbformat: 4, nbformat_minor: 5 };
}

function parseCell(raw: unknown, where: string, index: number, ids: Set<string>): Cell {
  if (!isRecord(raw)) throw new Error(`${where}: a cell must be an object.`);
  const type = raw.cell_type;
  if (type !== "code" && type !== "markdown" && type !== "raw") {
    throw new Error(`${where}: cell_type must be "code", "markdown" or "raw", not ${JSON.stringify(type)}.`);
  }
  // nbformat before 4.5 has no ids; the position serves until the file is written.
  const id = typeof raw.id === "string" && raw.id ? raw.id : `cell-${index + 1}`;
  if (ids.has(id)) throw new Error(`${where}: the id "${id}" is already used by an earlier cell.`);
  ids.add(id);
  const cell: Cell = { cell_type: type, id, source: joinText(raw.source, `${where}: source`), metadata: {} };
  if (isRecord(raw.metadata)) cell.metadata = raw.metadata;
  if (isRecord(raw.attachments)) cell.attachments = raw.attachments;
  if (type === "code") {
    if (raw.outputs !== undefined && !Array.isArray(raw.outputs)) throw new Error(`${where}: outputs must be a list.`);
    cell.outputs = (raw.outputs ?? []).map((output: unknown) => parseOutput(output, where));
    cell.execution_count = typeof raw.execution_count === "number" ? raw.execution_count : null;
  }
  return cell;
}

function parseOutput(raw: unknown, where: string): Output {
  if (isRecord(raw)) {
    if (raw.output_type === "stream") {
      const name = raw.name === "stderr" ? "stderr" : "stdout";
      return { output_type: "stream", name, text: joinText(raw.text, `${where}: output text`) };
    }
    if ((raw.output_type === "display_data" || raw.output_type === "execute_result") && isRecord(raw.data)) {
      const data = Object.fromEntries(
        Object.entries(raw.data).map(([mime, value]) => [mime, isJsonMime(mime) ? value : joinText(value, where)]),
      );
      const output: DisplayOutput = { output_type: raw.output_type, data, metadata: {} };
      if (isRecord(raw.metadata)) output.metadata = raw.metadata;
      if (typeof raw.execution_count === "number") output.execution_count = raw.execution_count;
      return output;
    }
    if (raw.output_type === "error") {
      const traceback = Array.isArray(raw.traceback) ? raw.traceback.map(String) : [];
      return { output_type: "error", ename: String(raw.ename), evalue: String(raw.evalue), traceback };
    }
  }
  throw new Error(`${where}: an output must be a stream, display_data, execute_result or error.`);
}

/** The file's text exactly as Jupyter's own tools write it: one-space indent, sorted keys, text as lines. */
export function formatNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: splitLines(cell.source),
    ...(cell.outputs && { outputs: cell.outputs.map(formatOutput) }),
  }));
  return `${JSON.stringify(sortKeys({ ...notebook, cells }), null, 1)}\n`;
}

/** Writes a notebook; a reader sees the old file or the new one, never a part. */
export function writeNotebook(path: string, notebook: Notebook): void {
  writeAtomically(path, formatNotebook(notebook));
}

/** SHA-256 over everything that decides what a run prints: the sources and tags of its cells, not stored outputs. */
export function sourceHash(notebook: Notebook): string {
  const content = notebook.cells.map((cell) => [cell.cell_type, cell.source, tagsOf(cell)]);
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

/** Tag of the cell in which a run assigns parameters. */
export const injectedTag = "injected-parameters";

export function tagsOf(cell: Cell): string[] {
  return Array.isArray(cell.metadata.tags) ? cell.metadata.tags.map(String) : [];
}

/** Position of a cell in the notebook as its author sees it, from 1: a cell injected by a run is not counted. */
export function cellNumber(notebook: Notebook, cell: Cell): number {
  const before = notebook.cells.slice(0, notebook.cells.indexOf(cell) + 1);
  return before.filter((other) => !tagsOf(other).includes(injectedTag)).length;
}

/** How messages name a cell: its number in the file and its first line of code. */
export function cellName(notebook: Notebook, cell: Cell): string {
  if (tagsOf(cell).includes(injectedTag)) return "the cell of injected parameters";
  const line = cell.source.split("\n").find((text) => text.trim() && !text.trim().startsWith("//"));
  const start = (line ?? "").trim().slice(0, 60);
  return `cell ${cellNumber(notebook, cell)}${start ? ` (${start})` : ""}`;
}

function formatOutput(output: Output): unknown {
  if (output.output_type === "stream") return { ...output, text: splitLines(output.text) };
  if (output.output_type === "error") return output;
  const data = Object.fromEntries(
    Object.entries(output.data).map(([mime, value]) => [
      mime,
      typeof value === "string" && !isJsonMime(mime) && !isBinaryMime(mime) ? splitLines(value) : value,
    ]),
  );
  return { ...output, data };
}

function isJsonMime(mime: string): boolean {
  return mime === "application/json" || mime.endsWith("+json");
}

function isBinaryMime(mime: string): boolean {
  return (mime.startsWith("image/") && mime !== "image/svg+xml") || mime === "application/pdf";
}

function splitLines(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

function joinText(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((line) => typeof line === "string")) return value.join("");
  throw new Error(`${where}: must be text or a list of lines.`);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortKeys(value[key])]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
