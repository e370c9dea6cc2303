/** The server of `braid lab`, with a stand-in for JupyterLab; and kernels whose server is gone. The real ones are test/lab. */
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { newConnectionInfo } from "../../src/workbook/connection.js";
import { Lab } from "../../src/workbook/lab.js";
import { pythonOf } from "../../src/workbook/lab-venv.js";
import { dist, useFolder } from "../gpu/child.js";

const folder = useFolder();

/** An environment whose Python runs the given script of Node for `-m jupyterlab`, with the same arguments. */
function standIn(name: string, script: string): string {
  const venv = join(folder, name);
  const python = pythonOf(venv);
  mkdirSync(join(python, ".."), { recursive: true });
  writeFileSync(join(venv, "server.mjs"), script);
  const server = `exec '${process.execPath}' '${join(venv, "server.mjs")}' "$@"`;
  writeFileSync(
    python,
    `#!/bin/sh\ncase "$*" in "-m jupyterlab "*) ${server} ;; *) echo "$*" >'${venv}/signed' ;; esac\n`,
  );
  chmodSync(python, 0o755);
  return venv;
}

const options = { notebooks: "/shown", trusted: ["a.ipynb", "b.ipynb"], figures: "/figures", browser: false };

describe.skipIf(process.platform === "win32")("the server of braid lab", () => {
  const serving = `
    import { writeFileSync } from "node:fs";
    import { createServer } from "node:http";
    writeFileSync(new URL("env.json", import.meta.url), JSON.stringify({ args: process.argv.slice(2), env: process.env }));
    const port = Number(process.argv.find((arg) => arg.startsWith("--ServerApp.port=")).split("=")[1]);
    createServer(({ headers }, response) => {
      response.writeHead(headers.authorization === "token " + process.env.JUPYTER_TOKEN ? 200 : 403).end();
    }).listen(port, "127.0.0.1");`;

  it("has a folder, a token, nothing of the user's Jupyter, and an end", async () => {
    vi.stubEnv("JUPYTER_PATH", "/somewhere/else");
    const venv = standIn("serving", serving);
    const lab = await Lab.start({ ...options, venv });
    const { args, env } = JSON.parse(readFileSync(join(venv, "env.json"), "utf8"));
    expect(args).toEqual(expect.arrayContaining(["--ServerApp.ip=127.0.0.1", "--ServerApp.root_dir=/shown"]));
    expect(lab.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/lab\?token=[0-9a-f]{48}$/);
    expect(lab.url).toContain(env.JUPYTER_TOKEN);
    expect(args.join(" ")).not.toContain(env.JUPYTER_TOKEN);
    expect(env).toMatchObject({ BRAID_FIGURES: "/figures", JUPYTER_PREFER_ENV_PATH: "1" });
    expect(env.JUPYTER_CONFIG_DIR).toBe(join(venv, "braid", "config"));
    expect(env.JUPYTER_DATA_DIR).toBe(join(venv, "braid", "data"));
    expect(env.JUPYTER_PATH).toBeUndefined();
    expect(readFileSync(join(venv, "signed"), "utf8")).toBe("-m nbformat.sign a.ipynb b.ipynb\n");
    await lab.stop();
    expect(await lab.ended).toEqual({ code: null, signal: "SIGTERM" });
  });

  it("says that it ended at once", async () => {
    const venv = standIn("ending", "process.exit(3);");
    await expect(Lab.start({ ...options, venv })).rejects.toThrow(/ended before it could be used \(exit code 3\)/);
  });

  it("says that the port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((done) => other.once("listening", done));
    const { port } = other.address() as AddressInfo;
    const venv = standIn("late", serving);
    await expect(Lab.start({ ...options, venv, port })).rejects.toThrow(
      `port ${port} is taken; give another --port, or leave it out for any free one`,
    );
    other.close();
  });
});

it.skipIf(process.platform === "win32")(
  "a kernel ends when the Jupyter server that started it was killed",
  async () => {
    const file = join(folder, "connection.json");
    writeFileSync(file, JSON.stringify(await newConnectionInfo(folder)));
    const host = join(dist, "workbook", "kernel-host.js");
    const script = `
    const { spawn } = require("node:child_process");
    const env = { ...process.env, JPY_PARENT_PID: String(process.pid) };
    spawn(process.execPath, [${JSON.stringify(host)}, ${JSON.stringify(file)}], { env, stdio: "inherit", detached: true });
    setInterval(() => undefined, 1000);`;
    const server = spawn(process.execPath, ["-e", script], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
    // The kernel holds this pipe too: it closes when both are gone.
    const gone = new Promise((done) => server.stdout.once("close", done));
    server.stdout.resume();
    while (!existsSync(join(folder, "s:1"))) await new Promise((done) => setTimeout(done, 100));
    server.kill("SIGKILL");
    await gone;
  },
);
