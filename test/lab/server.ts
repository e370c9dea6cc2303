/** `braid lab` as a user starts it, in a project that has the package in its node_modules and a copy of one notebook. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cli } from "../gpu/child.js";
import { checkout, linkedProject } from "../notebooks/fixture.js";

/** Why the test cannot run here, if it cannot. */
export const pythonLacks =
  spawnSync("python3", ["-c", "import ensurepip, venv"]).status === 0
    ? undefined
    : "JupyterLab is not tested: there is no python3 with venv; install both (Debian and Ubuntu: apt install python3-venv).";

export interface RunningLab {
  url: URL;
  /** The project's folder; its copy of the notebook is changed by the test, the checkout's is not. */
  project: string;
  /** Presses Ctrl-C, as it were. @returns the exit code, and the command lines of processes that stayed behind */
  end: () => Promise<{ code: number | null; left: string[] }>;
}

/**
 * Starts it without a browser and waits for the address that it prints. BRAID_LAB_VENV names the environment; default: the
 * one that users have.
 */
export async function startLab(notebook: string): Promise<RunningLab> {
  const { path: project, remove } = linkedProject();
  mkdirSync(join(project, "notebooks"));
  copyFileSync(join(checkout, "notebooks", notebook), join(project, "notebooks", notebook));
  const venv = process.env.BRAID_LAB_VENV ? ["--venv", process.env.BRAID_LAB_VENV] : [];
  // Whatever it starts carries this mark.
  const mark = randomUUID();
  const child = spawn(process.execPath, [cli, "lab", "--no-browser", ...venv], {
    cwd: project,
    env: { ...process.env, BRAID_LAB_TEST: mark },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const end = async () => {
    child.kill("SIGINT");
    const code = child.exitCode ?? (await new Promise<number | null>((done) => child.once("exit", done)));
    const left = await leftBehind(mark);
    remove();
    return { code, left: left.map(({ command }) => command) };
  };
  try {
    return { url: await printedUrl(child), project, end };
  } catch (error) {
    if (child.exitCode === null) await end();
    else remove();
    throw error;
  }
}

function printedUrl(child: ChildProcess): Promise<URL> {
  return new Promise((found, failed) => {
    let text = "";
    const read = (data: Buffer) => {
      text += data.toString();
      const url = /http:\S+(?=\n)/.exec(text)?.[0];
      if (url) found(new URL(url));
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", (code) => failed(new Error(`braid lab ended with ${code}:\n${text}`)));
  });
}

/** Processes with the mark; those that are just ending get ten seconds, and what still runs is killed. */
async function leftBehind(mark: string): Promise<{ pid: number; command: string }[]> {
  const deadline = Date.now() + 10_000;
  let left = marked(mark);
  while (left.length > 0 && Date.now() < deadline) {
    await new Promise((done) => setTimeout(done, 200));
    left = marked(mark);
  }
  for (const { pid } of left) process.kill(pid, "SIGKILL");
  return left;
}

function marked(mark: string): { pid: number; command: string }[] {
  const text = (pid: string, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8").replaceAll("\0", " ");
    } catch {
      return ""; // It has ended meanwhile.
    }
  };
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && text(name, "environ").includes(mark));
  return pids.map((pid) => ({ pid: Number(pid), command: text(pid, "cmdline") }));
}
