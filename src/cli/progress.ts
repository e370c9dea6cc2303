import { isDone, progressText, type TrainProgress } from "../train/progress.js";

/** Where progress lines go: a terminal, or a file or pipe. */
export interface ProgressStream {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

/** Writes a line over the one before, as much of it as fits. */
export function writeOver(stream: ProgressStream, text: string, end = ""): void {
  stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}${end}`);
}

/**
 * Progress of training in a terminal: one line that is written over a few times a second; elsewhere (a log file) a line
 * every ten seconds. The end is always shown.
 */
export function terminalProgress(stream: ProgressStream = process.stderr): (progress: TrainProgress) => void {
  const interval = stream.isTTY ? 200 : 10_000;
  let shown = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const last = isDone(progress);
    const now = Date.now();
    // A validation's loss is told once.
    if (progress.validation === undefined && now - shown < interval) return;
    shown = now;
    const text = progressText(progress);
    if (stream.isTTY) writeOver(stream, text, last ? "\n" : "");
    else stream.write(`${text}\n`);
  };
}

/** What is said while products are timed, which takes a while the first time on an adapter: a line that is written over, elsewhere one line. */
export function timingProgress(stream: ProgressStream = process.stderr): (done: number, all: number) => void {
  return (done, all) => {
    const text = `timing the forms of ${all} ${all === 1 ? "product" : "products"}, the first time on this adapter`;
    if (stream.isTTY) writeOver(stream, done < all ? `${text}: ${done} done` : "");
    else if (done === 0) stream.write(`${text}\n`);
  };
}
