import { resolveModel } from "../hub/resolve.node.js";
import { type ProgressStream, writeOver } from "./progress.js";

/**
 * The folder of a model that a command names: a folder, or a hub's owner/name[@revision], which is fetched where the
 * cache lacks it, with its progress on stderr. The first Ctrl-C stops the download.
 * @throws as `resolveModel`
 */
export async function modelFolder(name: string): Promise<string> {
  const controller = new AbortController();
  const stop = () => controller.abort(new Error(`The download of ${name} was stopped.`));
  process.once("SIGINT", stop);
  try {
    return await resolveModel(name, { signal: controller.signal, onProgress: downloadProgress() });
  } finally {
    process.off("SIGINT", stop);
  }
}

/** Where downloads stand: in a terminal one line that is written over; elsewhere a line every ten seconds and a file. */
export function downloadProgress(
  stream: ProgressStream = process.stderr,
): (progress: { file: string; bytes: number; size: number }) => void {
  const interval = stream.isTTY ? 200 : 10_000;
  let shown = Number.NEGATIVE_INFINITY;
  return ({ file, bytes, size }) => {
    const last = bytes >= size;
    const now = Date.now();
    if (!last && now - shown < interval) return;
    shown = now;
    const text = `${file}: ${last ? sizeText(size) : `${sizeText(bytes)} of ${sizeText(size)}`}`;
    if (stream.isTTY) writeOver(stream, text, last ? "\n" : "");
    else stream.write(`${text}\n`);
  };
}

/** A number of bytes to three digits, in the decimal units that model hubs use. */
export function sizeText(bytes: number): string {
  const power = Math.min(3, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const value = bytes / 1000 ** power;
  return power === 0
    ? `${bytes} bytes`
    : `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${["kB", "MB", "GB"][power - 1]}`;
}
