import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { cacheFolder } from "../../gpu/cache-folders.js";
import { notebooksFolder, notebooksIn } from "../../workbook/checkout.js";
import { installKernelspec } from "../../workbook/kernelspec.js";
import { requireNotebookNode } from "../../workbook/node-version.js";
import { stopSignal } from "../stop.js";

interface LabFlags {
  port?: number;
  browser: boolean;
  venv?: string;
  python: string;
}

export function register(program: Command): void {
  program
    .command("lab")
    .description(
      "Open the notebooks in JupyterLab, which is installed on the first call (needs Python 3 and a network)",
    )
    .option("--port <n>", "the port to listen on (default: 8888, or any free one)", port)
    .option("--no-browser", "only print the address")
    .option("--venv <dir>", "folder of the Python environment (default: in braid's cache)")
    .option("--python <exe>", "the Python to make it with", process.platform === "win32" ? "python" : "python3")
    .addHelpText(
      "after",
      `
It opens notebooks/ of this checkout, or of the working folder, and listens on the loopback only. JupyterLab's own
files stay in the environment (delete the folder to be rid of them); figures that cells save go to out/figures.`,
    )
    .action(lab);
}

/** Where the environment is, or where it is to be made. */
const cachedVenv = (name: string) => join(cacheFolder(name), name);

async function lab(flags: LabFlags): Promise<void> {
  requireNotebookNode();
  const notebooks = notebooksFolder();
  const packaged = notebooksFolder(import.meta.dirname);
  if (notebooksIn(notebooks).length === 0) {
    throw new Error(
      `there are no notebooks in ${notebooks}; start in a checkout of braid, or copy the package's there: ${packaged}`,
    );
  }
  // Loaded here, so that other commands start without them.
  const { jupyterlabVersion, prepareVenv } = await import("../../workbook/lab-venv.js");
  const { Lab } = await import("../../workbook/lab.js");
  const venv = resolve(flags.venv ?? cachedVenv(`jupyterlab-${jupyterlabVersion}`));
  await prepareVenv(venv, flags.python, (text) => process.stdout.write(`${text}\n`));
  installKernelspec(join(venv, "share", "jupyter"));
  const { signal } = stopSignal((how) => process.stderr.write(`\nEnding JupyterLab and its kernels; ${how}\n`));
  const stopped = new Promise<undefined>((done) => signal.addEventListener("abort", () => done(undefined)));
  const server = await Lab.start({
    venv,
    notebooks,
    trusted: notebooksIn(packaged),
    // Not figures/ of the checkout: what is stored there is replaced by `braid run --in-place` alone.
    figures: resolve(notebooks, "..", "out", "figures"),
    port: flags.port,
    browser: flags.browser,
  }).catch((error: Error) => {
    // Ctrl-C in the terminal ends a server that is just starting, too.
    if (!signal.aborted) throw error;
  });
  if (!server) return;
  process.stdout.write(`JupyterLab shows ${notebooks} at\n  ${server.url}\nCtrl-C ends it.\n`);
  const end = await Promise.race([stopped, server.ended]);
  if (signal.aborted) await server.stop();
  else if (end?.code !== 0) throw new Error(`JupyterLab has ended (${end?.signal ?? `exit code ${end?.code}`})`);
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65535) {
    throw new InvalidArgumentError("It must be a whole number from 1 to 65535.");
  }
  return value;
}
