/** From the messages of one executing cell to the outputs that a notebook stores, proper errors included. */
import type { Message } from "./connection.js";
import { progressIn } from "./live.js";
import type { ErrorOutput, Output } from "./notebook.js";

/** Which cell shows the display with this id; shared by all cells of a run, because later cells may update it. */
export type Displays = Map<string, Output[]>;

export class OutputCollector {
  readonly outputs: Output[] = [];
  /** Texts written to stderr, one a write: tslab reports a failure as the last of them, type errors as one each. */
  private readonly stderr: string[] = [];

  private closed = false;

  /** @param onProgress told the line of progress of training that a display shows, as often as it changes */
  constructor(
    private readonly displays: Displays,
    private readonly onProgress?: (text: string) => void,
  ) {}

  /** Ends the cell with an error of the runner's own; what the kernel says while it is being ended is not output. */
  close(error: ErrorOutput): void {
    this.outputs.push(error);
    this.closed = true;
  }

  receive(message: Message): void {
    if (this.closed) return;
    const { type, content } = message;
    if (type === "stream") this.stream(content.name === "stderr" ? "stderr" : "stdout", String(content.text));
    else if (type === "display_data") this.display(content);
    else if (type === "update_display_data") this.update(content);
    if (this.onProgress && type.endsWith("display_data")) {
      const line = progressIn(String(record(content.data)["text/html"] ?? ""));
      if (line !== undefined) this.onProgress(line);
    }
  }

  /** An uncaught error of asynchronous code; tslab only prints it and calls the cell a success. */
  get uncaught(): boolean {
    return this.stderr.some((text) => uncaughtPrefix.test(text));
  }

  /** Turns what tslab wrote to stderr about a failure into an error output, in its place, and returns it. */
  liftError(): ErrorOutput {
    const first = this.stderr.findIndex((text) => uncaughtPrefix.test(text));
    const typeErrors = this.stderr.filter((text) => diagnostic.test(text));
    let error: ErrorOutput;
    if (first >= 0) error = this.lift(this.stderr.slice(first, first + 1), parseThrown);
    else if (typeErrors.length > 0 && typeErrors.length === this.stderr.length) {
      error = this.lift(typeErrors, parseDiagnostics);
    } else error = this.lift(this.stderr.slice(-1), parseThrown);
    this.outputs.push(error);
    return error;
  }

  private lift(texts: string[], parse: (text: string) => ErrorOutput): ErrorOutput {
    for (const text of texts) this.removeStderr(text);
    return parse(texts.join(""));
  }

  private stream(name: "stdout" | "stderr", text: string): void {
    if (name === "stderr") this.stderr.push(text);
    const last = this.outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name) last.text += text;
    else this.outputs.push({ output_type: "stream", name, text });
  }

  private display(content: Record<string, unknown>): void {
    const output: Output = {
      output_type: "display_data",
      data: record(content.data),
      metadata: record(content.metadata),
    };
    this.outputs.push(output);
    const id = displayId(content);
    if (id) this.displays.set(id, [...(this.displays.get(id) ?? []), output]);
  }

  private update(content: Record<string, unknown>): void {
    for (const output of this.displays.get(displayId(content) ?? "") ?? []) {
      if (output.output_type === "display_data") {
        output.data = record(content.data);
        output.metadata = record(content.metadata);
      }
    }
  }

  private removeStderr(text: string): void {
    for (const [index, output] of this.outputs.entries()) {
      if (output.output_type !== "stream" || output.name !== "stderr") continue;
      const start = output.text.lastIndexOf(text);
      if (start < 0) continue;
      output.text = output.text.slice(0, start) + output.text.slice(start + text.length);
      if (output.text === "") this.outputs.splice(index, 1);
      return;
    }
  }
}

const uncaughtPrefix = /^(?:UncaughtException|UnhandledPromiseRejection): /;
const diagnostic = /^(?:\S+ )?\d+:\d+ - /;

function parseDiagnostics(text: string): ErrorOutput {
  const lines = text.trimEnd().split("\n");
  const position = /^(?:(\S+) )?(\d+):(\d+) - (.*)$/.exec(lines[0])!;
  const file = position[1] ? `${position[1]}, ` : "";
  return {
    output_type: "error",
    ename: "TypeScriptError",
    evalue: `${file}line ${position[2]}, column ${position[3]}: ${position[4]}`,
    traceback: lines,
  };
}

/** What `console.error(e)` printed of a thrown value: `Name: message`, stack lines, and properties in braces. */
function parseThrown(text: string): ErrorOutput {
  const plain =
    text.replace(uncaughtPrefix, "").replace(codeFrame, "").trimEnd() || "The cell failed without saying why.";
  const lines = plain.split("\n");
  const stack = lines.findIndex((line) => /^\s+at /.test(line));
  const head = (stack < 0 ? lines : lines.slice(0, stack)).join("\n");
  const named = /^(?:Uncaught )?([A-Za-z_$][\w$.]*)(?: \[\w+\])?(?:: ([\s\S]*))?$/.exec(head);
  const isError = named && (stack >= 0 || /(?:Error|Exception)$/.test(named[1]));
  return {
    output_type: "error",
    ename: isError ? named[1] : "Thrown",
    evalue: isError ? (named[2] ?? "") : head,
    traceback: lines.filter((line) => !kernelFrame.test(line)),
  };
}

/** Before the stack of a synchronous error Node shows the line of compiled code, which the author never wrote. */
const codeFrame = /^\S+:\d+\n[^\n]*\n\s*\^+\n\s*\n/;

/** Stack lines below the cell: tslab's and Node's own, which say nothing and carry the paths of one machine. */
const kernelFrame = /^\s+at .*(?:[\\/]tslab[\\/]dist[\\/]|node:internal|node:vm|Script\.runInThisContext)/;

function displayId(content: Record<string, unknown>): string | undefined {
  const id = record(content.transient).display_id;
  return typeof id === "string" ? id : undefined;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
