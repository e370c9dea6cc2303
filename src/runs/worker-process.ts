import { spawn } from "node:child_process";
import type { Assignment, WorkerOrder, WorkerReport } from "./worker.js";

export interface WorkerProcessOptions {
  /** Program and arguments; it must call `workOff`. */
  command: readonly string[];
  /** Added to the environment. */
  env: Record<string, string>;
  onReport: (report: WorkerReport) => void;
  /** Called once, when the process is gone. @param words how it ended, its last words included */
  onEnd: (words: string) => void;
}

/** The parent's side of one worker process. */
export class WorkerProcess {
  private readonly child;

  constructor({ command: [program, ...args], env, onReport, onEnd }: WorkerProcessOptions) {
    const child = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { ...process.env, ...env },
    });
    this.child = child;
    let said = "";
    let ended = false;
    const end = (reason: string) => {
      if (ended) return;
      ended = true;
      onEnd(`${reason || "without a word"}${lastWords(said)}`);
    };
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4000);
    });
    child.on("error", (error) => end(error.message));
    // "close" comes after the last words on stderr, "exit" may come before.
    child.on("close", (code, signal) => end(code === 0 ? "" : (signal ?? `exit code ${code}`)));
    child.on("message", onReport);
  }

  train(assignment: Assignment): void {
    this.send({ type: "train", ...assignment });
  }

  /** Lets it save what it is at, and end. */
  stop(): void {
    this.send({ type: "stop" });
  }

  private send(order: WorkerOrder): void {
    // A process that is just going cannot be told; that it went is told by `onEnd`.
    if (this.child.connected) this.child.send(order, () => {});
  }
}

/** Lines that say nothing of why: Dawn's warnings about limits, where an uncaught error came from, Node's signature. */
const silent = /^(\s*$|Warning: |\s+at |\s*\^|Node\.js v)/;

/** The end of what it printed. */
function lastWords(said: string): string {
  const lines = said.split("\n").filter((line) => !silent.test(line));
  return lines.length > 0 ? `: ${lines.slice(-3).join(" / ")}` : "";
}
