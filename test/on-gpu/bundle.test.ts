/** The tests as one file, for a GPU machine without npm: it is made, and it runs the tests that it is asked for. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const here = fileURLToPath(new URL("./", import.meta.url));
const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));

it("bundles the tests of operations and models, which then run with Node alone", () => {
  const out = mkdtempSync(join(tmpdir(), "braid-on-gpu-"));
  try {
    execFileSync(process.execPath, [join(here, "bundle.mjs"), out], { encoding: "utf8" });
    symlinkSync(modules, join(out, "node_modules"));
    const printed = execFileSync(process.execPath, [join("tests", "run.mjs"), "ops/activation"], {
      cwd: out,
      encoding: "utf8",
    });
    expect(printed).toMatch(/[1-9]\d* passed, 0 failed/);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}, 60_000);
