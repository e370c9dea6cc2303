import { progressText, type TrainProgress } from "../train/progress.js";

/** Where progress lines go: a terminal, or a file or pipe. */
export interface ProgressStream {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

/**
 * Progress of training in a terminal: one line that is written over a few times a second; elsewhere (a log file) a line
 * every ten seconds. The last step is always shown.
 */
export function terminalProgress(stream: ProgressStream = process.stderr): (progress: TrainProgress) => void {
  const interval = stream.isTTY ? 200 : 10_000;
  let shown = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const last = progress.step >= progress.steps;
    const now = Date.now();
    if (!last && now - shown < interval) return;
    shown = now;
    const text = progressText(progress);
    if (stream.isTTY) stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}${last ? "\n" : ""}`);
    else stream.write(`${text}\n`);
  };
}

/** What is said while products are timed, which takes a while the first time on an adapter: a line that is written over, elsewhere one line. */
export function timingProgress(stream: ProgressStream = process.stderr): (done: number, all: number) => void {
  return (done, all) => {
    const text = `timing the forms of ${all} ${all === 1 ? "product" : "products"}, the first time on this adapter`;
    if (stream.isTTY) stream.write(done < all ? `\r\u001b[K${text}: ${done} done` : "\r\u001b[K");
    else if (done === 0) stream.write(`${text}\n`);
  };
}
