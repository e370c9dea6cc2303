/** A JupyterLab of `braid lab`: a server on the loopback with a token, its folder of notebooks, and an end that always comes. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pythonOf } from "./lab-venv.js";

const host = "127.0.0.1";
/** Where Jupyter servers are looked for first. */
const usualPort = 8888;
/** Milliseconds until a server must answer; a cold disk takes it a quarter of a minute. */
const startPatience = 120_000;
/** Milliseconds a server may take to end its kernels; it gives each five seconds. */
const endPatience = 20_000;

export interface LabOptions {
  /** An environment that `prepareVenv` made. */
  venv: string;
  /** The folder that JupyterLab shows. */
  notebooks: string;
  /** Notebooks whose stored figures are shown at once: JupyterLab strips the SVG from outputs that it did not see being made. */
  trusted: string[];
  /** Where notebooks save figures, unless BRAID_FIGURES says so. */
  figures: string;
  /** Default: 8888, or any free one when that is taken. */
  port?: number;
  /** Let JupyterLab open a browser. */
  browser: boolean;
}

export class Lab {
  /** Settles when the server has ended, however it did. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  private constructor(
    private readonly child: ChildProcess,
    /** With the token. */
    readonly url: string,
  ) {
    this.ended = new Promise((done) => {
      child.once("error", () => done({ code: null, signal: null }));
      child.once("exit", (code, signal) => done({ code, signal }));
    });
    process.once("exit", () => child.kill("SIGKILL"));
  }

  /**
   * Starts a server and waits until it answers.
   * @throws Error when the port is taken, or the server ends or stays silent
   */
  static async start({ venv, notebooks, trusted, figures, port, browser }: LabOptions): Promise<Lab> {
    const chosen = await freePort(port);
    const token = randomBytes(24).toString("hex");
    const flags = {
      "ServerApp.ip": host,
      "ServerApp.port": chosen,
      "ServerApp.port_retries": 0,
      "ServerApp.root_dir": notebooks,
      "ServerApp.open_browser": browser ? "True" : "False",
      // Root is the usual user of a container, and nobody else reaches the loopback without the token.
      "ServerApp.allow_root": "True",
      // Ctrl-C in the terminal reaches the server too; it is not to ask whether that was meant.
      "ServerApp.answer_yes": "True",
      "Application.log_level": "ERROR",
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const env = { BRAID_FIGURES: figures, ...environment(venv), JUPYTER_TOKEN: token };
    const child = spawn(pythonOf(venv), ["-m", "jupyterlab", ...args], {
      env,
      stdio: ["ignore", "inherit", "inherit"],
    });
    const lab = new Lab(child, `http://${host}:${chosen}/lab?token=${token}`);
    try {
      await Promise.all([lab.answers(`http://${host}:${chosen}/api/status`, token), trust(venv, trusted)]);
    } catch (error) {
      await lab.stop();
      throw error;
    }
    return lab;
  }

  /** Ends the server and its kernels. */
  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    const abort = new AbortController();
    const late = sleep(endPatience, true, { signal: abort.signal }).catch(() => false);
    // Kernels whose server is killed see that it is gone (kernel-host.ts).
    if (await Promise.race([this.ended.then(() => false), late])) this.child.kill("SIGKILL");
    abort.abort();
    await this.ended;
  }

  private async answers(url: string, token: string): Promise<void> {
    let over: string | undefined;
    void this.ended.then(({ code, signal }) => {
      over = `JupyterLab ended before it could be used (${signal ?? `exit code ${code}`}); what it said stands above`;
    });
    const deadline = Date.now() + startPatience;
    while (over === undefined) {
      const answer = await fetch(url, {
        headers: { authorization: `token ${token}` },
        // A server that accepts and says nothing must not outlast the deadline.
        signal: AbortSignal.timeout(5000),
      }).catch(() => undefined);
      if (answer?.ok) return;
      if (Date.now() > deadline) throw new Error(`JupyterLab did not answer within ${startPatience / 1000} s`);
      await sleep(200);
    }
    throw new Error(over);
  }
}

/**
 * Settings, workspaces, signatures and sockets stay inside the environment: Jupyter's files in the user's home are not changed,
 * and no settings from there (another port, a password, a kernel of the same name) come in. The token travels here too, because
 * arguments can be read by every user of the machine.
 */
function environment(venv: string): NodeJS.ProcessEnv {
  const {
    JUPYTER_PATH: _data,
    JUPYTER_CONFIG_PATH: _config,
    JUPYTER_RUNTIME_DIR: _runtime,
    ...inherited
  } = process.env;
  return {
    ...inherited,
    JUPYTER_PREFER_ENV_PATH: "1",
    JUPYTER_CONFIG_DIR: join(venv, "braid", "config"),
    JUPYTER_DATA_DIR: join(venv, "braid", "data"),
    IPYTHONDIR: join(venv, "braid", "ipython"),
  };
}

/**
 * Signs what is stored in the notebooks, and every copy of them. One that cannot be signed is shown as JupyterLab shows
 * notebooks of strangers: without its figures, until its cells are run.
 */
function trust(venv: string, notebooks: string[]): Promise<void> {
  const signing = spawn(pythonOf(venv), ["-m", "nbformat.sign", ...notebooks], {
    env: environment(venv),
    stdio: "ignore",
  });
  return new Promise((done) => {
    signing.once("error", () => done());
    signing.once("exit", () => done());
  });
}

/** @throws Error when the wished port is taken */
async function freePort(wished?: number): Promise<number> {
  const port = (await listenOnce(wished ?? usualPort)) ?? (wished === undefined ? await listenOnce(0) : undefined);
  if (port === undefined)
    throw new Error(`port ${wished} is taken; give another --port, or leave it out for any free one`);
  return port;
}

/** The port, if it could be listened on. */
function listenOnce(port: number): Promise<number | undefined> {
  const server = createServer();
  return new Promise((done) => {
    server.once("error", () => done(undefined));
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address ? address.port : undefined));
    });
  });
}
