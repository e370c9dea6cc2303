/**
 * An AbortSignal that the first SIGINT or SIGTERM trips, so that work can stop at a good place; a second one ends the process.
 * @param say tells the user, on the first, how to stop at once
 */
export function stopSignal(say = onStderr): {
  signal: AbortSignal;
  dispose: () => void;
} {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    say("press Ctrl-C again to stop at once.");
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}

function onStderr(how: string): void {
  process.stderr.write(`\nStopping; ${how}\n`);
}
