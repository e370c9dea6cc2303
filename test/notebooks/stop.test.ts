/** Interrupts in a real kernel: training stops where it polls its signal, the cell ends, and the next one runs. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Message } from "../../src/workbook/connection.js";
import { Kernel } from "../../src/workbook/kernel.js";
import { checkout } from "./fixture.js";

let kernel: Kernel;
beforeAll(async () => {
  kernel = await Kernel.start({ cwd: join(checkout, "notebooks") });
});
afterAll(() => kernel.shutdown());

/** Runs a cell; interrupts it as soon as it prints "ready". */
async function run(code: string): Promise<{ status: string; text: string }> {
  let text = "";
  const { status } = await kernel.execute(code, (message: Message) => {
    text += message.content.text ?? "";
    if (message.content.text === "ready\n") kernel.interrupt();
  });
  return { status, text };
}

const wait = "await new Promise((done) => setTimeout(done, 10));";

it("stoppable keeps what the work returns", async () => {
  await run('import { stoppable } from "../dist/workbook/stop.js";');
  const stopped = await run(
    `const steps = await stoppable(async (signal) => { let n = 0; while (!signal.aborted) { if (++n === 5) console.log("ready"); ${wait} } return n; });`,
  );
  expect(stopped).toEqual({ status: "ok", text: "ready\n" });
  expect(await run("steps >= 5")).toEqual({ status: "ok", text: "true\n" });
});

it("stoppable tells of stopped training in a line, and lets other errors keep their stack", async () => {
  const failing = (name: string) =>
    run(
      `await stoppable(async (signal) => { console.log("ready"); while (!signal.aborted) ${wait} throw Object.assign(new Error("at step 3"), { name: "${name}" }); });`,
    );
  const stopped = await failing("Stopped");
  expect(stopped.status).toBe("error");
  expect(stopped.text).toMatch(/^ready\n\[Stopped: at step 3\]/);
  expect(stopped.text).not.toMatch(/\n\s+at /);
  await run(wait.repeat(30)); // For 200 ms after an error tslab answers everything with "abort".
  expect((await failing("GPUError")).text).toMatch(/at step 3\n\s+at /);
});
