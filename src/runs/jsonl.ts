import { appendFileSync, existsSync, readFileSync, truncateSync } from "node:fs";
import { parseRecord, sealRecord } from "./record.js";
import type { RunRecord } from "./types.js";

/** What a JSONL file of finished runs holds. */
export interface JsonlRuns {
  runs: RunRecord[];
  /** Bytes behind the last line break: a line that a killed process left unfinished. */
  unfinished: number;
}

/** Reads finished runs, one a line. Throws naming file and line when a complete line is not a sound record. */
export function readJsonl(file: string): JsonlRuns {
  if (!existsSync(file)) throw new Error(`no such file: ${file}`);
  const text = readFileSync(file, "utf8");
  const lines = text.split("\n");
  const rest = lines.pop() as string;
  const runs: RunRecord[] = [];
  lines.forEach((line, i) => {
    if (line.trim() === "") return;
    const where = `${file}, line ${i + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw new Error(`${where}: not JSON (${(error as Error).message})`);
    }
    runs.push(parseRecord(value, where));
  });
  return { runs, unfinished: Buffer.byteLength(rest) };
}

/** Appends one finished run in a single write, so that whatever kills the process later, the line is there. */
export function appendJsonl(file: string, record: RunRecord): void {
  appendFileSync(file, `${JSON.stringify(sealRecord(record))}\n`);
}

/** The runs that a JSONL holds, none where there is no file; an unfinished last line is left alone. */
export function finishedIn(file: string): RunRecord[] {
  return existsSync(file) ? readJsonl(file).runs : [];
}

/** Readies a JSONL for appending: cuts off an unfinished last line. A missing file is left so. @throws Error as `readJsonl` does */
export function resumeJsonl(file: string): void {
  if (!existsSync(file)) return;
  const { unfinished } = readJsonl(file);
  if (unfinished > 0) truncateSync(file, Buffer.byteLength(readFileSync(file)) - unfinished);
}
