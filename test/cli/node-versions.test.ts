// The built command on other versions of Node: BRAID_NODES lists their binaries, separated like PATH.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { expect, it } from "vitest";
import { cli, node, useFolder } from "../gpu/child.js";
import { tinyConfig } from "../model/fixtures.js";

const binaries = (process.env.BRAID_NODES ?? "").split(delimiter).filter(Boolean);
const folder = useFolder();
const config = join(folder, "config.json");
writeFileSync(config, JSON.stringify(tinyConfig("MTS")));

/** Trains two steps with one Node. @returns the SHA-256 of the weights */
async function trained(binary: string, name: string): Promise<string> {
  const out = join(folder, name);
  const size = ["--tokens", "128", "--batch", "2", "--length", "32", "--validation-tokens", "64"];
  const { code, stderr } = await node(
    [cli, "train", "--config", config, "--data", "synthetic", ...size, "--out", out],
    {
      binary,
    },
  );
  expect(code, stderr).toBe(0);
  return createHash("sha256")
    .update(readFileSync(join(out, "model.safetensors")))
    .digest("hex");
}

it.skipIf(binaries.length === 0)(
  "every Node given in BRAID_NODES runs the commands and trains to the same bits",
  async () => {
    const expected = await trained(process.execPath, "own");
    for (const [index, binary] of binaries.entries()) {
      const doctor = await node([cli, "doctor", "--json"], { binary });
      expect(doctor.code, doctor.stderr).toBe(0);
      expect(JSON.parse(doctor.stdout).ok).toBe(true);
      const cost = await node([cli, "cost", "--size", "nano", "--pattern", "MT", "--json"], { binary });
      expect(JSON.parse(cost.stdout).params.total).toBeGreaterThan(0);
      expect(await trained(binary, `node-${index}`), binary).toBe(expected);
    }
  },
  600_000,
);
