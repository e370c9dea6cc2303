/** Makes the TypeScript kernel of this package known to Jupyter, without Python: JupyterLab then opens the notebooks. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeAtomically } from "../data/files.node.js";

/** Where Jupyter looks for what a user has installed (the folder that `jupyter --data-dir` prints). */
function jupyterDataFolder(): string {
  const { JUPYTER_DATA_DIR, APPDATA, XDG_DATA_HOME } = process.env;
  if (JUPYTER_DATA_DIR) return JUPYTER_DATA_DIR;
  if (process.platform === "darwin") return join(homedir(), "Library", "Jupyter");
  if (process.platform === "win32") return join(APPDATA ?? join(homedir(), "AppData", "Roaming"), "jupyter");
  return join(XDG_DATA_HOME ?? join(homedir(), ".local", "share"), "jupyter");
}

/**
 * Writes the kernel `tslab`, the name that notebooks ask for. It starts the same process as `braid run` does, so that a
 * cell which prints much works in JupyterLab too. A kernel of that name that somebody else installed is left alone.
 *
 * @returns the folder of the kernel, and whether it is ours
 */
export function installKernelspec(dataFolder: string = jupyterDataFolder()): { folder: string; ours: boolean } {
  const folder = join(dataFolder, "kernels", "tslab");
  const file = join(folder, "kernel.json");
  if (existsSync(file) && !readFileSync(file, "utf8").includes("kernel-host")) return { folder, ours: false };
  const host = fileURLToPath(new URL("../../dist/workbook/kernel-host.js", import.meta.url));
  const spec = {
    argv: [process.execPath, "--disable-warning=ExperimentalWarning", host, "{connection_file}"],
    display_name: "TypeScript",
    language: "typescript",
  };
  writeAtomically(file, `${JSON.stringify(spec, null, 2)}\n`);
  return { folder, ours: true };
}
