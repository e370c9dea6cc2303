/**
 * The Jupyter wire protocol as a client: signed messages over ZeroMQ, no Jupyter server in between.
 * https://jupyter-client.readthedocs.io/en/stable/messaging.html
 *
 * There is no heartbeat: tslab answers it on the thread that runs the cells, so silence means busy, not dead. Death is
 * seen at once from the kernel process itself (kernel.ts).
 */
import { createHmac, randomUUID } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { Dealer, Subscriber } from "zeromq";

/** What the kernel reads from its connection file. */
export interface ConnectionInfo {
  transport: "ipc" | "tcp";
  /** For ipc the path that the five socket files start with. */
  ip: string;
  shell_port: number;
  iopub_port: number;
  stdin_port: number;
  control_port: number;
  hb_port: number;
  key: string;
  signature_scheme: "hmac-sha256";
  kernel_name: string;
}

export type Channel = "shell" | "control" | "iopub";

export interface Message {
  channel: Channel;
  type: string;
  /** Id of the request that this message answers or belongs to. */
  parent: string;
  content: Record<string, unknown>;
}

const delimiter = Buffer.from("<IDS|MSG>");

/** Sockets in `folder` where the system has them (no port can be taken by another program), free TCP ports on Windows. */
export async function newConnectionInfo(folder: string): Promise<ConnectionInfo> {
  const windows = process.platform === "win32";
  const [shell, iopub, stdin, control, hb] = windows ? await freePorts(5) : [1, 2, 3, 4, 5];
  return {
    transport: windows ? "tcp" : "ipc",
    ip: windows ? "127.0.0.1" : join(folder, "s"),
    shell_port: shell,
    iopub_port: iopub,
    stdin_port: stdin,
    control_port: control,
    hb_port: hb,
    key: randomUUID(),
    signature_scheme: "hmac-sha256",
    kernel_name: "tslab",
  };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  const ports = await Promise.all(
    servers.map(
      (server) => new Promise<number>((done) => server.once("listening", () => done(portOf(server.address())))),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

function portOf(address: string | { port: number } | null): number {
  return typeof address === "object" && address ? address.port : 0;
}

export class Connection {
  private readonly session = randomUUID();
  private readonly shell = new Dealer();
  private readonly control = new Dealer();
  private readonly iopub = new Subscriber();
  /** zeromq allows one send at a time on a socket. */
  private sending: Promise<void> = Promise.resolve();

  /** Connects at once; ZeroMQ holds requests back until the kernel has bound its side. */
  constructor(
    private readonly info: ConnectionInfo,
    private readonly onMessage: (message: Message) => void,
  ) {
    // No limit on waiting messages: past it ZeroMQ would drop output of a cell that prints faster than we store.
    this.iopub.receiveHighWaterMark = 0;
    for (const socket of [this.shell, this.control, this.iopub]) socket.linger = 0;
    this.iopub.subscribe();
    this.shell.connect(this.address(info.shell_port));
    this.control.connect(this.address(info.control_port));
    this.iopub.connect(this.address(info.iopub_port));
    void this.listen("shell", this.shell);
    void this.listen("control", this.control);
    void this.listen("iopub", this.iopub);
  }

  /** Sends a request and returns its id, which answers carry as `parent`. */
  send(channel: "shell" | "control", type: string, content: Record<string, unknown>): string {
    const id = randomUUID();
    const header = {
      msg_id: id,
      msg_type: type,
      session: this.session,
      username: "braid",
      date: new Date().toISOString(),
      version: "5.3",
    };
    const parts = [header, {}, {}, content].map((part) => Buffer.from(JSON.stringify(part)));
    const frames = [delimiter, Buffer.from(this.sign(parts)), ...parts];
    const socket = channel === "shell" ? this.shell : this.control;
    // A socket that is closed meanwhile (dead kernel, shutdown) has nobody left to tell.
    this.sending = this.sending.then(() => socket.send(frames)).catch(() => undefined);
    return id;
  }

  close(): void {
    for (const socket of [this.shell, this.control, this.iopub]) socket.close();
  }

  private address(port: number): string {
    return `${this.info.transport}://${this.info.ip}:${port}`;
  }

  private sign(parts: Buffer[]): string {
    const hash = createHmac("sha256", this.info.key);
    for (const part of parts) hash.update(part);
    return hash.digest("hex");
  }

  private async listen(channel: Channel, socket: AsyncIterable<Buffer[]>): Promise<void> {
    for await (const frames of socket) {
      const start = frames.findIndex((frame) => frame.equals(delimiter));
      const parts = frames.slice(start + 2, start + 6);
      // Anything without our key's signature does not come from our kernel.
      if (start < 0 || parts.length < 4 || frames[start + 1].toString() !== this.sign(parts)) continue;
      const [header, parent, , content] = parts.map((part) => JSON.parse(part.toString()) as Record<string, unknown>);
      this.onMessage({ channel, type: String(header.msg_type), parent: String(parent.msg_id ?? ""), content });
    }
  }
}
