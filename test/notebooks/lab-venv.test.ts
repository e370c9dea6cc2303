/** Making the environment of `braid lab`, with a stand-in for Python: a shell script that does as it is told. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { jupyterlabVersion, prepareVenv, pythonOf, venvState } from "../../src/workbook/lab-venv.js";
import { useFolder } from "../gpu/child.js";

const folder = useFolder();
const venv = join(folder, "cache", "jupyterlab");
const log = join(folder, "log");
const marker = join(venv, "braid-lab.json");

interface Behaviour {
  version?: string;
  /** Exit code of its imports of ensurepip and venv. */
  venv?: number;
  /** What pip does. */
  pip?: string;
}

/** A Python that copies itself into the environments it makes, and notes what it was asked for. */
function python({ version = "3 12", venv: without = 0, pip = "exit 0" }: Behaviour = {}): string {
  const path = join(folder, "python");
  const script = `#!/bin/sh
echo "$*" >>'${log}'
case "$*" in
  *ensurepip*) echo Python ${version}; exit ${without} ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip "*) ${pip} ;;
esac
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}

const said: string[] = [];
const prepare = (exe: string, where = venv) => prepareVenv(where, exe, (text) => said.push(text));
const asked = () => (existsSync(log) ? readFileSync(log, "utf8") : "");

beforeEach(() => {
  rmSync(venv, { recursive: true, force: true });
  rmSync(log, { force: true });
  said.length = 0;
});

describe.skipIf(process.platform === "win32")("the environment of braid lab", () => {
  it("is made once, with the pinned JupyterLab", async () => {
    const exe = python();
    await prepare(exe);
    expect(asked()).toMatch(new RegExp(`-m pip install .*jupyterlab==${jupyterlabVersion.replaceAll(".", "\\.")}\\n`));
    expect(venvState(venv)).toBe("ready");
    expect(said).toEqual([expect.stringContaining(`Installing JupyterLab ${jupyterlabVersion} in ${venv}`)]);
    rmSync(log);
    await prepare(exe);
    expect(asked()).toBe("-c import jupyterlab\n");
    expect(existsSync(`${venv}.lock`)).toBe(false);
  });

  it("is made anew when it was left half-made, is of another version, or has lost its Python", async () => {
    const spoil: Record<string, () => void> = {
      "half-made": () => writeFileSync(marker, JSON.stringify({ jupyterlab: jupyterlabVersion, ready: false })),
      "of another version": () => writeFileSync(marker, JSON.stringify({ jupyterlab: "4.0.0", ready: true })),
      broken: () => rmSync(pythonOf(venv)),
    };
    for (const [state, act] of Object.entries(spoil)) {
      await prepare(python());
      act();
      expect(venvState(venv)).toBe(state);
      said.length = 0;
      await prepare(python());
      expect(said[0]).toBe(`${venv} is ${state}; it is made anew.`);
      expect(venvState(venv)).toBe("ready");
    }
  });

  it("is half-made, not ready, when pip fails; the reason comes in one sentence", async () => {
    const offline = `echo "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)'" >&2
      echo 'ERROR: No matching distribution found for jupyterlab' >&2; exit 1`;
    await expect(prepare(python({ pip: offline }))).rejects.toThrow(
      /did not reach its package index; look at the network/,
    );
    expect(venvState(venv)).toBe("half-made");
    const full = "echo 'ERROR: [Errno 28] No space left on device' >&2; echo >&2; exit 1";
    await expect(prepare(python({ pip: full }))).rejects.toThrow(
      `pip could not install JupyterLab ${jupyterlabVersion}: [Errno 28] No space left on device`,
    );
    await prepare(python());
    expect(venvState(venv)).toBe("ready");
  });

  it("asks for a Python that can make it", async () => {
    await expect(prepare(join(folder, "absent"))).rejects.toThrow(/no Python that runs as .*absent, .* 3\.10 or newer/);
    await expect(prepare(python({ version: "3 9" }))).rejects.toThrow(/is Python 3\.9, and JupyterLab .* needs 3\.10/);
    await expect(prepare(python({ version: "2 7" }))).rejects.toThrow(/is Python 2\.7/);
    await expect(prepare(python({ venv: 1 }))).rejects.toThrow(/lacks venv or ensurepip.*apt install python3-venv/);
    expect(existsSync(venv)).toBe(false);
  });

  it("never touches what somebody else made, or another braid lab is making", async () => {
    mkdirSync(venv, { recursive: true });
    writeFileSync(join(venv, "pyvenv.cfg"), "home = /somewhere\n");
    await expect(prepare(python())).rejects.toThrow(/was not made by braid lab; give another --venv/);
    expect(readFileSync(join(venv, "pyvenv.cfg"), "utf8")).toBe("home = /somewhere\n");
    const file = join(folder, "file");
    writeFileSync(file, "");
    await expect(prepare(python(), file)).rejects.toThrow(/was not made by braid lab/);
    rmSync(venv, { recursive: true });
    const slow = python({ pip: "sleep 1" });
    const both = await Promise.allSettled([prepare(slow), prepare(slow)]);
    expect(both[0].status).toBe("fulfilled");
    expect(String((both[1] as PromiseRejectedResult).reason)).toMatch(
      /another braid lab, process \d+; wait for it, or give another --venv/,
    );
  });
});
