/** `braid lab` where it cannot work: one sentence, and nothing made. The real thing is test/lab. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cli, node, useFolder } from "../gpu/child.js";
import { checkout } from "../notebooks/fixture.js";

const folder = useFolder();
const cache = join(folder, "cache");
writeFileSync(join(folder, "package.json"), '{ "name": "elsewhere" }\n');

/** Runs it; it must fail. @returns what it said */
async function failing(args: string[], cwd = checkout, flags: string[] = []): Promise<string> {
  const { code, stdout, stderr } = await node([...flags, cli, "lab", "--no-browser", ...args], {
    cwd,
    env: { BRAID_CACHE: cache },
  });
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^(braid|error): .*\n$/);
  return stderr;
}

it("says where there are no notebooks, and which could be there", async () => {
  expect(await failing([], folder)).toBe(
    `braid: there are no notebooks in ${join(folder, "notebooks")}; start in a checkout of braid, or copy the package's there: ${join(checkout, "notebooks")}\n`,
  );
});

it("says that Python is missing, and what does without", async () => {
  const said = await failing(["--python", "python-that-is-missing"]);
  expect(said).toMatch(/no Python that runs as python-that-is-missing, .*: install it, or name one with --python/);
  expect(said).toContain("braid run executes the notebooks without Python");
  expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([]);
});

it("refuses a port that is none", async () => {
  expect(await failing(["--port", "70000"])).toContain("It must be a whole number from 1 to 65535.");
});

it("says which Node it needs", async () => {
  const said = await failing([], checkout, ["--no-experimental-require-module"]);
  expect(said).toContain(`(20.19, 22.12 or newer); this is ${process.version}`);
});
