/** One running tslab kernel: start, execute cells, interrupt, and an end that always comes. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Connection, type Message, newConnectionInfo } from "./connection.js";

/** The kernel process ended while it was still needed. */
export class KernelDeath extends Error {
  override name = "DeadKernel";
}

export interface ExecuteReply {
  status: "ok" | "error" | "abort";
  executionCount: number | null;
}

export interface KernelOptions {
  /** Working folder; imports are resolved from it, so it is the notebook's own folder. */
  cwd: string;
  env?: Record<string, string>;
}

// The same path from src/ (tests) and from dist/: the host must be compiled.
const host = fileURLToPath(new URL("../../dist/workbook/kernel-host.js", import.meta.url));

/** Milliseconds that a kernel may take to answer first; seconds are usual. */
const startPatience = 120_000;

interface Pending {
  onOutput: (message: Message) => void;
  reply?: ExecuteReply;
  idle: boolean;
  settle: () => void;
}

export class Kernel {
  private readonly pending = new Map<string, Pending>();
  private readonly waiting = new Map<string, () => void>();
  private stderrTail = "";
  private exited: string | undefined;
  private readonly deathWatchers = new Set<(error: KernelDeath) => void>();
  private readonly exit: Promise<void>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly connection: Connection,
    private readonly folder: string,
  ) {
    child.stderr?.on("data", (data: Buffer) => {
      this.stderrTail = (this.stderrTail + data.toString()).slice(-2000);
    });
    this.exit = new Promise((done) => {
      const end = (how: string) => {
        this.exited ??= how;
        done();
        const death = this.death();
        for (const tell of this.deathWatchers) tell(death);
      };
      child.once("exit", (code, signal) => {
        const why = signal === "SIGKILL" ? " (which is what a system does that runs out of memory)" : "";
        end(signal ? `was killed by ${signal}${why}` : `exited with code ${code}`);
      });
      // A process that could not be made never exits.
      child.on("error", (error) => {
        if (child.pid === undefined) end(`could not be started (${error.message})`);
      });
    });
  }

  /**
   * Starts a kernel and waits until it answers.
   * @throws KernelDeath when the process ends before it answered, Error when it stays silent
   */
  static async start(options: KernelOptions): Promise<Kernel> {
    const folder = mkdtempSync(join(tmpdir(), "braid-"));
    const info = await newConnectionInfo(folder);
    const file = join(folder, "connection.json");
    writeFileSync(file, JSON.stringify(info), { mode: 0o600 });
    // Its own process group: Ctrl-C in the terminal reaches us alone, and its children can be ended with it.
    // Node 22 warns whenever a cell imports an ES module; that is no output of the notebook.
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", host, file], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      detached: true,
    });
    let kernel: Kernel | undefined;
    const connection = new Connection(info, (message) => kernel?.receive(message));
    kernel = new Kernel(child, connection, folder);
    try {
      await kernel.ready();
    } catch (error) {
      await kernel.shutdown();
      throw error;
    }
    return kernel;
  }

  /**
   * Runs one cell. Resolves when the kernel has replied and sent all of the cell's output.
   * @throws KernelDeath as soon as the process is gone
   */
  async execute(code: string, onOutput: (message: Message) => void): Promise<ExecuteReply> {
    for (let attempt = 0; ; attempt++) {
      const reply = await this.executeOnce(code, onOutput);
      // For 200 ms after an error tslab answers everything with "abort" (its issue 19).
      if (reply.status !== "abort" || attempt === 5) return reply;
      await sleep(250);
    }
  }

  private executeOnce(code: string, onOutput: (message: Message) => void): Promise<ExecuteReply> {
    return this.orDeath((settle) => {
      const id = this.connection.send("shell", "execute_request", {
        code,
        silent: false,
        store_history: true,
        user_expressions: {},
        allow_stdin: false,
        stop_on_error: true,
      });
      const pending: Pending = {
        onOutput,
        idle: false,
        settle: () => {
          this.pending.delete(id);
          settle(pending.reply!);
        },
      };
      this.pending.set(id, pending);
    });
  }

  /** Interrupts the running cell as Jupyter does: SIGINT. tslab then stops synchronous code and stops waiting for async code. */
  interrupt(): void {
    this.signal("SIGINT");
  }

  /** Ends the kernel: asks, then SIGINT (a busy loop), then SIGTERM (a live GPU device), then SIGKILL. */
  async shutdown(): Promise<void> {
    if (this.exited === undefined) this.connection.send("control", "shutdown_request", { restart: false });
    const steps: [NodeJS.Signals, number][] = [
      ["SIGINT", 400],
      ["SIGTERM", 400],
      ["SIGKILL", 400],
    ];
    for (const [signal, patience] of steps) {
      if (await this.exitsWithin(patience)) break;
      this.signal(signal);
    }
    await this.exit;
    // The kernel is gone; what it started and left in its group goes too.
    this.signal("SIGKILL");
    this.connection.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async exitsWithin(milliseconds: number): Promise<boolean> {
    const abort = new AbortController();
    const late = sleep(milliseconds, false, { signal: abort.signal }).catch(() => false);
    const gone = await Promise.race([this.exit.then(() => true), late]);
    abort.abort();
    return gone;
  }

  private signal(name: NodeJS.Signals): void {
    const pid = this.child.pid;
    if (pid === undefined) return;
    try {
      // The interrupt is for the kernel alone, as in Jupyter; an end is for everything that it started.
      if (process.platform === "win32" || name === "SIGINT") this.child.kill(name);
      else process.kill(-pid, name);
    } catch {
      // The group is gone already.
    }
  }

  /** ZeroMQ drops what is published before a subscriber is connected, so ask until both sockets have answered. */
  private async ready(): Promise<void> {
    const deadline = Date.now() + startPatience;
    for (;;) {
      const answered = await this.orDeath<boolean>((settle) => {
        const id = this.connection.send("shell", "kernel_info_request", {});
        const seen = new Set<string>();
        const note = (channel: string) => () => {
          seen.add(channel);
          if (seen.size === 2) settle(true);
        };
        this.waiting.set(`${id} shell`, note("shell"));
        this.waiting.set(`${id} iopub`, note("iopub"));
        setTimeout(() => settle(false), 300);
      });
      if (answered) return;
      if (Date.now() > deadline) {
        throw new Error(
          `The tslab kernel did not answer within ${startPatience / 1000} s. ${this.stderrTail.trim()}`.trim(),
        );
      }
    }
  }

  private receive(message: Message): void {
    this.waiting.get(`${message.parent} ${message.channel}`)?.();
    const pending = this.pending.get(message.parent);
    if (!pending) return;
    if (message.channel === "shell" && message.type === "execute_reply") {
      const { status, execution_count } = message.content;
      pending.reply = {
        status: status === "ok" || status === "abort" ? status : "error",
        executionCount: typeof execution_count === "number" ? execution_count : null,
      };
    } else if (message.channel === "iopub" && message.type === "status") {
      pending.idle = message.content.execution_state === "idle";
    } else if (message.channel === "iopub") {
      pending.onOutput(message);
    }
    if (pending.reply && pending.idle) pending.settle();
  }

  private orDeath<T>(start: (settle: (value: T) => void) => void): Promise<T> {
    if (this.exited !== undefined) return Promise.reject(this.death());
    return new Promise((resolve, reject) => {
      const die = (error: KernelDeath) => {
        // Output sent just before the end may still be in the socket.
        setTimeout(() => reject(error), 50);
      };
      this.deathWatchers.add(die);
      start((value) => {
        this.deathWatchers.delete(die);
        resolve(value);
      });
    });
  }

  private death(): KernelDeath {
    const last = this.stderrTail.trim();
    return new KernelDeath(`The kernel ${this.exited}${last ? `; its last words: ${last}` : ""}.`);
  }
}
