/**
 * The process that a notebook's cells run in: tslab's own kernel, started as `tslab kernel` starts it, by
 * `node kernel-host.js CONNECTION_FILE` in the notebook's folder. Nothing needs to be installed into Jupyter.
 *
 * Three things around it are ours. The tslab is the one that the notebook's folder finds, else braid's own. Output goes
 * through a queue: tslab sends each write without waiting, and ZeroMQ refuses ("EBUSY") after some 500 in one turn, which
 * throws inside the cell and loses the message that the cell has ended. And the kernel ends when its runner is gone, or the
 * Jupyter server that started it.
 */
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

interface Tslab {
  startKernel(options: { configPath: string; enableFindLocal: boolean; globalVersion: string }): void;
}

type Frames = unknown;

interface PublisherPrototype {
  send(frames: Frames): Promise<void>;
  bind(address: string): Promise<void>;
}

/** Gives ZeroMQ's publisher a queue without bound in front of `send`; order is kept, and what can go out at once does. */
function queueOutput(publisher: PublisherPrototype): void {
  const { send, bind } = publisher;
  const queues = new WeakMap<object, Frames[]>();

  function unlimitedBind(this: PublisherPrototype & { sendHighWaterMark: number }, address: string): Promise<void> {
    this.sendHighWaterMark = 0;
    return bind.call(this, address);
  }

  const drain = async (socket: PublisherPrototype, queue: Frames[]): Promise<void> => {
    while (queue.length > 0) {
      try {
        await send.call(socket, queue[0]);
        queue.shift();
      } catch (error) {
        if ((error as { code?: string }).code !== "EBUSY") break;
        await new Promise((done) => setImmediate(done));
      }
    }
    queues.delete(socket);
  };

  function queuedSend(this: PublisherPrototype, frames: Frames): Promise<void> {
    const queue = queues.get(this);
    if (queue) {
      queue.push(frames);
      return Promise.resolve();
    }
    try {
      // The promise is watched, because a send that could not go out at once makes the next one throw.
      const sent = send.call(this, frames);
      sent.catch(() => undefined);
      return sent;
    } catch (error) {
      if ((error as { code?: string }).code !== "EBUSY") throw error;
      const waiting = [frames];
      queues.set(this, waiting);
      void drain(this, waiting);
      return Promise.resolve();
    }
  }

  // The inherited methods are read-only, which assignment would respect.
  Object.defineProperty(publisher, "bind", { value: unlimitedBind });
  Object.defineProperty(publisher, "send", { value: queuedSend });
}

function findTslab(): string {
  try {
    return createRequire(join(process.cwd(), "notebook.js")).resolve("tslab/dist/main.js");
  } catch {
    return createRequire(import.meta.url).resolve("tslab/dist/main.js");
  }
}

const connectionFile = process.argv[2];
if (!connectionFile) throw new Error("kernel-host needs the path of a Jupyter connection file.");
const requireTslab = createRequire(findTslab());
const { Publisher } = requireTslab("zeromq") as { Publisher: { prototype: PublisherPrototype } };
queueOutput(Publisher.prototype);
process.on("disconnect", () => process.exit(1));
process.channel?.unref();
if (process.env.JPY_PARENT_PID) {
  const server = process.ppid;
  setInterval(() => process.ppid === server || process.exit(1), 1000).unref();
}
(requireTslab("./main.js") as Tslab).startKernel({
  configPath: resolve(connectionFile),
  enableFindLocal: false,
  globalVersion: "",
});
