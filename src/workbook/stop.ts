/**
 * Cooperative stop. An interrupt (the notebook's stop button, Ctrl-C) cannot end an awaited loop by itself: tslab stops
 * waiting for it, and it goes on as a zombie. Training therefore polls an AbortSignal each step.
 */

/**
 * Runs `work` with a signal that the first interrupt aborts, and gives its result. Meanwhile the process's own reaction
 * to an interrupt is put off, so that a notebook keeps what the work returns: `const run = await stoppable((signal) =>
 * train(spec, { signal }))`. A second interrupt acts as usual.
 */
export async function stoppable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  // Not at once: tslab runs the synchronous part of a cell with Node's `breakOnSigint`, which takes the listeners away meanwhile and, at
  // its end, resets the signal to its default. One added in between keeps Node from setting it up again, and the next interrupt kills the
  // kernel (seen on Node 20).
  await Promise.resolve();
  const controller = new AbortController();
  const others = process.listeners("SIGINT");
  let waiting = true;
  const restore = () => {
    if (!waiting) return;
    waiting = false;
    process.removeListener("SIGINT", onInterrupt);
    for (const listener of others) process.on("SIGINT", listener);
  };
  const onInterrupt = () => {
    restore();
    controller.abort(new Error("Interrupted."));
  };
  for (const listener of others) process.removeListener("SIGINT", listener);
  process.on("SIGINT", onInterrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    // Who pressed stop looks for what was stopped, not for where in the code.
    if (controller.signal.aborted && error instanceof Error && error.name === "Stopped") {
      error.stack = `${error.name}: ${error.message}`;
    }
    throw error;
  } finally {
    restore();
  }
}
