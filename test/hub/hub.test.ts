import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resolveModel } from "../../src/hub/resolve.node.js";
import { encodeSafetensors } from "../../src/model/safetensors.js";
import { openWeights } from "../../src/model/weight-files.node.js";
import { commitOf, type Hub, type Repository, startHub } from "./server.js";

const tensor = (value: number, size: number) => ({ shape: [size], values: new Float32Array(size).fill(value) });
const shard = (i: number) => `model-0000${i}-of-00002.safetensors`;

const small: Repository = {
  files: {
    "README.md": "# A model",
    ".gitattributes": "",
    "config.json": '{"model_type": "llama"}',
    "generation_config.json": "{}",
    "model.safetensors": encodeSafetensors(new Map([["w", tensor(0.5, 100_000)]])),
    "consolidated.safetensors": encodeSafetensors(new Map()),
    "tokenizer.json": '{"model": {"type": "ä"}}',
    "pytorch_model.bin": "pickle",
  },
};
const sharded: Repository = {
  files: {
    "config.json": "{}",
    [shard(1)]: encodeSafetensors(new Map([["a", tensor(1, 3)]])),
    [shard(2)]: encodeSafetensors(new Map([["b", tensor(2, 4)]])),
    "model.safetensors.index.json": JSON.stringify({ metadata: {}, weight_map: { a: shard(1), b: shard(2) } }),
  },
};
const without = ({ files }: Repository, ...names: string[]): Repository => ({
  files: Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name))),
});
const models: Record<string, Repository> = {
  "owner/small": small,
  "owner/sharded": sharded,
  "owner/holed": without(sharded, shard(2)),
  "owner/private": { ...small, token: "hf_secret" },
  "owner/gated": { ...small, gated: true },
  "owner/pickled": without(small, "model.safetensors"),
  "owner/dataset": without(small, "config.json"),
};
const commit = commitOf(small);

let hub: Hub;
let cache: string;
let stderr: string;
beforeEach(async () => {
  hub = await startHub(models);
  cache = mkdtempSync(join(tmpdir(), "braid-hub-"));
  vi.stubEnv("BRAID_CACHE", cache);
  vi.stubEnv("HF_ENDPOINT", `${hub.url}/`);
  vi.stubEnv("HF_TOKEN", undefined);
  stderr = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += text;
    return true;
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await hub.close();
  rmSync(cache, { recursive: true, force: true });
});

/** What was asked of the hub since the last call. */
const asked = () => hub.requests.splice(0);
const downloads = (requests: string[]) => requests.filter((line) => /resolve|cdn/.test(line));
const inCache = () =>
  readdirSync(cache, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
const failure = (name: string, options = {}) =>
  resolveModel(name, options).then(
    () => "no error",
    (error: Error) => error.message,
  );

describe("a model of the hub", () => {
  it("is downloaded to a folder of the cache: config, weights, tokenizer, and nothing else", async () => {
    const seen = new Map<string, number>();
    const folder = await resolveModel("owner/small", { onProgress: ({ file, bytes }) => seen.set(file, bytes) });
    expect(folder).toBe(join(cache, "hub", "owner--small", commit));
    const names = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];
    expect(readdirSync(folder).sort()).toEqual(names);
    for (const name of names) {
      const content = Buffer.from(small.files[name]);
      expect(readFileSync(join(folder, name)).equals(content)).toBe(true);
      expect(seen.get(name)).toBe(content.length);
    }
    expect(stderr).toBe("");
  });

  it("may have its weights in shards", async () => {
    const folder = await resolveModel("owner/sharded");
    const weights = openWeights(folder);
    expect([...weights.keys()]).toEqual(["a", "b"]);
    expect(weights.get("b")).toMatchObject(tensor(2, 4));
  });

  it("comes from the cache the second time: only what the branch is now is asked", async () => {
    const folder = await resolveModel("owner/small");
    expect(downloads(asked()).length).toBeGreaterThan(0);
    expect(await resolveModel("owner/small")).toBe(folder);
    expect(asked()).toEqual(["GET /api/models/owner/small/revision/main"]);
  });

  it("comes from the cache without a request when a commit is named", async () => {
    const folder = await resolveModel(`owner/small@${commit}`);
    asked();
    expect(await resolveModel(`owner/small@${commit}`)).toBe(folder);
    expect(asked()).toEqual([]);
  });

  it("is found again when the branch moves on", async () => {
    const old = await resolveModel("owner/small");
    models["owner/small"] = { files: { ...small.files, "config.json": '{"model_type": "bamba"}' } };
    const folder = await resolveModel("owner/small");
    models["owner/small"] = small;
    expect(folder).not.toBe(old);
    expect(readFileSync(join(folder, "config.json"), "utf8")).toContain("bamba");
    expect(readFileSync(join(old, "config.json"), "utf8")).toContain("llama");
  });

  it("comes from the cache when the hub is not to be reached, which stderr says", async () => {
    const folder = await resolveModel("owner/small");
    await hub.close();
    expect(await resolveModel("owner/small")).toBe(folder);
    expect(stderr).toMatch(`braid: ${hub.url} cannot be reached for owner/small: `);
    expect(stderr).toMatch(/: \S.+\. The cache's copy is used: commit \w{40}\.\n$/);
    expect(stderr).toContain(commit);
  });

  it("is read with a token where one is needed; the place of the large files does not get it", async () => {
    vi.stubEnv("HF_TOKEN", "hf_secret");
    const folder = await resolveModel("owner/private");
    expect(openWeights(folder).has("w")).toBe(true);
    expect(existsSync(await resolveModel("owner/private", { token: "hf_secret", cache: join(cache, "2") }))).toBe(true);
  });

  it("is fetched again, only the file in question, when the cache's copy was changed or removed", async () => {
    const folder = await resolveModel("owner/small");
    const path = join(folder, "model.safetensors");
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] ^= 1;
    asked();
    const notice = "braid: model.safetensors of owner/small is damaged in the cache; it is fetched again.\n";
    const damages: [() => void, string][] = [
      [() => writeFileSync(path, bytes), notice],
      [() => writeFileSync(path, "short"), notice],
      [() => rmSync(path), ""],
    ];
    for (const [damage, said] of damages) {
      damage();
      stderr = "";
      expect(await resolveModel(`owner/small@${commit}`)).toBe(folder);
      expect(readFileSync(path).equals(Buffer.from(small.files["model.safetensors"]))).toBe(true);
      const files = asked().filter((line) => !line.includes("/cdn/"));
      expect(new Set(files)).toEqual(new Set([`GET /owner/small/resolve/${commit}/model.safetensors`]));
      expect(stderr).toBe(said);
    }
  });

  it("is downloaded by two at once without harm", async () => {
    const [a, b] = await Promise.all([resolveModel("owner/small"), resolveModel("owner/small")]);
    expect(a).toBe(b);
    expect(inCache().filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect(openWeights(a).has("w")).toBe(true);
  });
});

describe("a download that goes wrong leaves nothing of the file, and says what:", () => {
  const whole = ["config.json", "generation_config.json", "revisions.json", "tokenizer.json", `${commit}.json`];

  it.each([
    [
      "other bytes",
      /^model\.safetensors of owner\/small came with the SHA-256 \w{64}, but the hub lists it with \w{64}\.$/,
    ],
    ["fewer bytes", /^model\.safetensors of owner\/small came with 200\d+ bytes, but the hub lists it with 400\d+\.$/],
    ["break off", /^The download of model\.safetensors of owner\/small broke off: \S.+\.$/],
    ["fail", /^The download of model\.safetensors of owner\/small broke off: .* fails to give .* \(status 503\)\.$/],
  ] as const)("%s", async (trick, message) => {
    hub.tricks.set("model.safetensors", trick);
    expect(await failure("owner/small")).toMatch(message);
    expect(inCache()).toEqual([...whole].sort());
    // The next try fetches what is missing.
    hub.tricks.clear();
    asked();
    await resolveModel("owner/small");
    expect(downloads(asked()).some((line) => line.includes("config.json"))).toBe(false);
  });

  it("other bytes of a small file", async () => {
    hub.tricks.set("config.json", "other bytes");
    expect(await failure("owner/small")).toMatch(/^config\.json of owner\/small came with the git checksum /);
    expect(inCache()).toEqual(["revisions.json", `${commit}.json`].sort());
  });

  it("stopped half-way", async () => {
    hub.tricks.set("model.safetensors", "stall");
    const controller = new AbortController();
    const download = resolveModel("owner/small", { signal: controller.signal });
    await hub.stalled;
    controller.abort(new Error("enough"));
    await expect(download).rejects.toThrow("enough");
    expect(inCache()).toEqual([...whole].sort());
    await expect(resolveModel("owner/small", { signal: controller.signal })).rejects.toThrow("enough");
  });

  it("killed half-way, and its temporary file goes with a later download", async () => {
    const folder = join(cache, "hub", "owner--small", commit);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "model.safetensors.old.tmp"), "half");
    writeFileSync(join(folder, "model.safetensors.new.tmp"), "half");
    utimesSync(join(folder, "model.safetensors.old.tmp"), 0, 0);
    await resolveModel("owner/small");
    expect(inCache().filter((name) => name.endsWith(".tmp"))).toEqual(["model.safetensors.new.tmp"]);
  });
});

describe("a model that can't be had is named with the reason:", () => {
  it("no such model", async () => {
    vi.stubEnv("HF_TOKEN", "hf_secret");
    expect(await failure("owner/nothing")).toBe(
      `There is no folder owner/nothing, and ${hub.url} has no model owner/nothing.`,
    );
  });

  it("no such model, or a private one", async () => {
    expect(await failure("owner/private")).toBe(
      `There is no folder owner/private, and ${hub.url} has no owner/private that is open to us (401): ` +
        "if it is private, set HF_TOKEN to a token that may read it.",
    );
    vi.stubEnv("HF_TOKEN", "hf_other");
    expect(await failure("owner/private")).toMatch("(401): the token may not read it.");
    vi.stubEnv("HF_TOKEN", "secret");
    expect(await failure("owner/private")).toBe("The access token (HF_TOKEN) does not begin with hf_.");
  });

  it("a gated one", async () => {
    const refusal = (status: number) =>
      `There is no folder owner/gated, and ${hub.url} gives config.json of owner/gated only to those who were granted ` +
      `access (${status}): ask for it at ${hub.url}/owner/gated `;
    expect(await failure("owner/gated")).toBe(`${refusal(401)}and set HF_TOKEN to a token of that account.`);
    vi.stubEnv("HF_TOKEN", "hf_secret");
    expect(await failure("owner/gated")).toBe(`${refusal(403)}with the account of the token.`);
  });

  it("no such revision", async () => {
    const message = (revision: string) => `owner/small on ${hub.url} has no revision ${revision}.`;
    for (const revision of ["v2", "refs/pr/1", "0".repeat(40)]) {
      expect(await failure(`owner/small@${revision}`)).toContain(message(revision));
    }
  });

  it("no config, no safetensors, a shard too few", async () => {
    expect(await failure("owner/dataset")).toContain("owner/dataset on ");
    expect(await failure("owner/dataset")).toContain("is no model: it has no config.json.");
    expect(await failure("owner/pickled")).toContain("has neither model.safetensors nor model.safetensors.index.json");
    expect(await failure("owner/holed")).toBe(
      `owner/holed lacks ${shard(2)}, which its model.safetensors.index.json names.`,
    );
    expect(inCache()).not.toContain(shard(1));
  });

  it("a hub that is not there, or is none", async () => {
    vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9");
    expect(await failure("owner/small")).toMatch(
      "There is no folder owner/small, and http://127.0.0.1:9 cannot be reached for owner/small: ",
    );
    const portal = createServer((_, response) => response.end("<html>Please sign in</html>")).listen(0, "127.0.0.1");
    await once(portal, "listening");
    const { port } = portal.address() as AddressInfo;
    vi.stubEnv("HF_ENDPOINT", `http://127.0.0.1:${port}`);
    expect(await failure("owner/small")).toMatch(
      /:\d+ does not answer like a hub when asked for owner\/small@main: \S/,
    );
    portal.close();
    vi.stubEnv("HF_ENDPOINT", "huggingface.co");
    expect(await failure("owner/small")).toBe(
      "The address of the hub (HF_ENDPOINT) is huggingface.co; it has to begin with https:// or http://.",
    );
  });

  it("a cache that can't be written", async () => {
    writeFileSync(join(cache, "file"), "");
    expect(await failure("owner/small", { cache: join(cache, "file") })).toMatch(
      /owner--small cannot be written \(.+\); BRAID_CACHE names another folder\.$/,
    );
  });
});

describe("the name of a model", () => {
  it("is a folder where there is one, even if it looks like one on the hub", async () => {
    for (const folder of ["test/hub", cache]) expect(await resolveModel(folder)).toBe(folder);
    expect(asked()).toEqual([]);
  });

  it("is an error when it is neither a folder nor owner/name", async () => {
    writeFileSync(join(cache, "model.safetensors"), "");
    expect(await failure(join(cache, "model.safetensors"))).toBe(
      `${join(cache, "model.safetensors")} is a file; a model is a folder, or owner/name on the hub.`,
    );
    for (const name of ["./runs/model", "model", "a/b/c", "owner/../no-such", "../no-such"]) {
      expect(await failure(name)).toBe(
        `There is no folder ${name}, and it is no owner/name or owner/name@revision of the hub.`,
      );
    }
    expect(asked()).toEqual([]);
  });
});
