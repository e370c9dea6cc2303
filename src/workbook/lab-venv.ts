/**
 * The Python environment that `braid lab` runs JupyterLab in: made once, by pip, in a folder of its own. JupyterLab is of the
 * version that test/lab tries; what it needs in turn is what pip finds for it that day.
 *
 * A file in the folder says that braid made it, and whether it came to the end: a folder that was left half-made (killed, no
 * network) is made anew, and a folder of somebody else is never touched.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeAtomically } from "../data/files.node.js";
import { lock } from "../runs/lock.js";

export const jupyterlabVersion = "4.6.6";
/** The oldest Python 3 that this JupyterLab takes. */
const oldestMinor = 10;

export type VenvState = "absent" | "ready" | "half-made" | "of another version" | "broken" | "foreign";

interface Marker {
  jupyterlab: string;
  ready: boolean;
}

const markerOf = (venv: string) => join(venv, "braid-lab.json");

/** The interpreter of an environment. */
export function pythonOf(venv: string): string {
  return process.platform === "win32" ? join(venv, "Scripts", "python.exe") : join(venv, "bin", "python");
}

/** What a folder is to `braid lab`. "broken": it was whole once, but its Python is gone or other than it was. */
export function venvState(venv: string): VenvState {
  if (!existsSync(venv) || (isFolder(venv) && readdirSync(venv).length === 0)) return "absent";
  const marker = readMarker(venv);
  if (marker === undefined) return "foreign";
  if (!marker.ready) return "half-made";
  if (marker.jupyterlab !== jupyterlabVersion) return "of another version";
  return spawnSync(pythonOf(venv), ["-c", "import jupyterlab"]).status === 0 ? "ready" : "broken";
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}

function readMarker(venv: string): Marker | undefined {
  try {
    return JSON.parse(readFileSync(markerOf(venv), "utf8")) as Marker;
  } catch {
    return undefined;
  }
}

/**
 * Makes the environment, unless it is there and whole.
 * @param python the interpreter to make it with; it is not asked for when nothing needs to be made
 * @param say is told what takes long
 * @throws Error in one sentence: no fitting Python, no network, a folder that is not ours, another process at it
 */
export async function prepareVenv(venv: string, python: string, say: (text: string) => void): Promise<void> {
  if (venvState(venv) === "ready") return;
  makeFolder(dirname(venv));
  const unlock = lock(venv, { holder: "braid lab", instead: "give another --venv" });
  try {
    const state = venvState(venv);
    if (state === "ready") return;
    if (state === "foreign") {
      throw new Error(
        `${venv} is there already and was not made by braid lab; give another --venv, or use your own JupyterLab: braid kernel, then jupyter lab notebooks`,
      );
    }
    checkPython(python);
    if (state !== "absent") say(`${venv} is ${state}; it is made anew.`);
    say(`Installing JupyterLab ${jupyterlabVersion} in ${venv}, once (some 250 MB) …`);
    rmSync(venv, { recursive: true, force: true });
    await make(venv, python);
  } finally {
    unlock();
  }
}

async function make(venv: string, python: string): Promise<void> {
  const mark = (ready: boolean) =>
    writeAtomically(markerOf(venv), `${JSON.stringify({ jupyterlab: jupyterlabVersion, ready } satisfies Marker)}\n`);
  // First of all: whatever happens now, the folder is known as ours.
  mark(false);
  const made = await run(python, ["-m", "venv", venv]);
  if (made.code !== 0) throw new Error(`${python} could not make an environment in ${venv}: ${lastLine(made.text)}`);
  const pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
  const installed = await run(pythonOf(venv), [...pip, `jupyterlab==${jupyterlabVersion}`]);
  if (installed.code !== 0) throw new Error(pipProblem(installed.text));
  // Without being asked on its first page, JupyterLab fetches no news and no list of newer versions.
  const quiet = { fetchNews: "false", checkForUpdates: false };
  const settings = join(venv, "share", "jupyter", "lab", "settings", "overrides.json");
  writeAtomically(settings, `${JSON.stringify({ "@jupyterlab/apputils-extension:notification": quiet }, null, 2)}\n`);
  // JupyterLab's own scripts for Node are not of the kind that a package.json further up may speak of.
  writeAtomically(join(venv, "package.json"), '{ "private": true, "type": "commonjs" }\n');
  mark(true);
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Error(`${folder} cannot be made (${(error as Error).message}); give another --venv`);
  }
}

function checkPython(python: string): void {
  const question = "import sys; print('Python', *sys.version_info[:2]); import ensurepip, venv";
  const { error, status, stdout } = spawnSync(python, ["-c", question], { encoding: "utf8" });
  const [, major, minor] = /^Python (\d+) (\d+)/.exec(stdout ?? "") ?? [];
  if (error || major === undefined) {
    throw new Error(
      `there is no Python that runs as ${python}, and JupyterLab needs Python 3.${oldestMinor} or newer: install it, or name one with --python (braid run executes the notebooks without Python)`,
    );
  }
  if (Number(major) !== 3 || Number(minor) < oldestMinor) {
    throw new Error(
      `${python} is Python ${major}.${minor}, and JupyterLab ${jupyterlabVersion} needs 3.${oldestMinor} or newer: name one with --python`,
    );
  }
  if (status !== 0) {
    throw new Error(
      `${python} lacks venv or ensurepip, with which environments are made: install them (Debian and Ubuntu: apt install python3-venv), or name another Python with --python`,
    );
  }
}

/** Runs a command to its end. @returns its exit code, and what it said */
function run(command: string, args: string[]): Promise<{ code: number | null; text: string }> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      text += data.toString();
    });
  }
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code) => done({ code, text }));
  });
}

/** One sentence for what pip says in many lines; without a network its last line is about versions, not about the network. */
function pipProblem(text: string): string {
  const problem = `pip could not install JupyterLab ${jupyterlabVersion}`;
  if (/connection broken|Max retries exceeded|ReadTimeout|NameResolution|ConnectionError|ProxyError/i.test(text)) {
    return `${problem}: it did not reach its package index; look at the network, or at pip's settings for a proxy or a mirror, and start braid lab again`;
  }
  return `${problem}: ${lastLine(text)}`;
}

function lastLine(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const line = lines.filter((candidate) => candidate.startsWith("ERROR:")).at(-1) ?? lines.at(-1) ?? "it said nothing";
  return line.replace(/^ERROR:\s*/, "").trim();
}
