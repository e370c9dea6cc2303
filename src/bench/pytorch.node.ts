/** PyTorch as a contender: a process of pytorch_step.py that keeps models ready and answers line by line. */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { pytorchStep } from "./pytorch-step.generated.js";
import type { Burst, Contender } from "./timing.js";

export interface PytorchOptions {
  /** The folder that has `mamba_ssm` in it. */
  mamba: string;
  /** The Python that has PyTorch. */
  python: string;
  device: "cuda" | "cpu";
}

type Answer = Record<string, unknown> & { failed?: string };

/** Seconds until an answer is given up: compiling a model with torch.compile takes minutes. */
const limit = 900;

export class Pytorch {
  /** Versions and device, e.g. "PyTorch 2.11.0 on NVIDIA H100". */
  description = "";
  private readonly waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  private ended: Error | undefined;
  private stderr = "";

  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, Readable>,
    private readonly folder: string,
  ) {
    createInterface({ input: child.stdout }).on("line", (line) => this.take(line));
    child.stderr.on("data", (text) => {
      this.stderr = (this.stderr + text).slice(-4000);
    });
    // Writing to a process that has ended; that it has is told by "close".
    child.stdin.on("error", () => {});
    child.on("error", ({ message }) => this.end(new Error(`PyTorch's side could not be started: ${message}.`)));
    child.on("close", (code, signal) => {
      const last = this.stderr.trim().split("\n").at(-1);
      this.end(new Error(`PyTorch's side ended with ${signal ?? `exit code ${code}`}${last ? `: ${last}` : "."}`));
    });
  }

  /** Starts the process. @throws Error when there is no such Python, no PyTorch in it, or no GPU for it */
  static async start({ mamba, python, device }: PytorchOptions): Promise<Pytorch> {
    const folder = mkdtempSync(join(tmpdir(), "braid-pytorch-"));
    const script = join(folder, "pytorch_step.py");
    writeFileSync(script, pytorchStep);
    const child = spawn(python, [script, mamba, device], { stdio: ["pipe", "pipe", "pipe"] });
    const pytorch = new Pytorch(child, folder);
    try {
      const hello = await pytorch.answer();
      pytorch.description = `PyTorch ${hello.pytorch} on ${hello.device}`;
      return pytorch;
    } catch (error) {
      pytorch.close();
      throw error;
    }
  }

  /** @throws Error when PyTorch says that it failed, or its process ends */
  ask(request: Record<string, unknown>): Promise<Answer> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    return this.answer();
  }

  /**
   * Builds something and keeps it ready. @returns it as a contender, with what PyTorch told of it
   * @throws Error as `ask`
   */
  async prepare<Facts>(
    name: string,
    request: Record<string, unknown>,
  ): Promise<{ contender: Contender; facts: Facts }> {
    const facts = (await this.ask({ ...request, id: name })) as Facts;
    const burst = async (seconds: number) => (await this.ask({ do: "burst", id: name, seconds })) as unknown as Burst;
    return { contender: { name, burst }, facts };
  }

  /** Frees everything that was prepared. */
  async release(): Promise<void> {
    await this.ask({ do: "release" });
  }

  close(): void {
    this.child.stdin.end();
    this.child.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async answer(): Promise<Answer> {
    if (this.ended) throw this.ended;
    let timer: NodeJS.Timeout | undefined;
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      timer = setTimeout(() => reject(new Error(`PyTorch's side gave no answer for ${limit} seconds.`)), limit * 1000);
    }).finally(() => clearTimeout(timer));
    if (answer.failed !== undefined) throw new Error(`PyTorch: ${answer.failed}`);
    return answer;
  }

  private take(line: string): void {
    let answer: Answer;
    try {
      answer = JSON.parse(line) as Answer;
    } catch {
      this.waiting
        .shift()
        ?.reject(new Error(`PyTorch's side printed something else than an answer: ${line.slice(0, 200)}`));
      return;
    }
    this.waiting.shift()?.resolve(answer);
  }

  private end(error: Error): void {
    this.ended ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(this.ended);
  }
}
