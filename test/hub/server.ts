import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A repository on the hub of the tests. */
export interface Repository {
  /** The files of its one commit. */
  files: Record<string, string | Uint8Array>;
  /** Only for this token: 401 to others, as to those who ask for what does not exist. */
  token?: string;
  /** Listed for everyone, but files are given to nobody, as when the model's conditions were not accepted. */
  gated?: boolean;
}

/** How the hub misbehaves when a file's bytes are asked for. */
export type Trick = "other bytes" | "fewer bytes" | "break off" | "stall" | "fail";

export interface Hub {
  url: string;
  /** "GET /path" of every request, in order. */
  requests: string[];
  tricks: Map<string, Trick>;
  /** Whether `stall` has sent its half. */
  stalled: Promise<void>;
  close(): Promise<void>;
}

const bytesOf = (content: string | Uint8Array) => Buffer.from(content);
const sha256 = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
const gitSha1 = (content: string | Uint8Array) =>
  createHash("sha1")
    .update(`blob ${bytesOf(content).length}\0`)
    .update(content)
    .digest("hex");
const isLfs = (name: string) => name.endsWith(".safetensors");

/** The commit of a repository: as with git, other content is another commit. */
export function commitOf({ files }: Repository): string {
  const text = Object.entries(files).map(([name, content]) => `${name} ${gitSha1(content)}`);
  return createHash("sha1").update(text.join("\n")).digest("hex");
}

/**
 * A hub on this machine with the routes that a download needs, as huggingface.co answers them: revisions, the list of
 * files in pages, small files at once, and large ones by a redirect to another place that knows nothing of tokens.
 */
export async function startHub(models: Record<string, Repository>): Promise<Hub> {
  const requests: string[] = [];
  const tricks = new Map<string, Trick>();
  let stalling = () => {};
  const stalled = new Promise<void>((resolve) => {
    stalling = resolve;
  });

  const fail = (response: ServerResponse, status: number, code: string, error: string) => {
    response.writeHead(status, { "content-type": "application/json", "x-error-code": code, "x-error-message": error });
    response.end(JSON.stringify({ error }));
  };
  const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}) => {
    response.writeHead(200, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };

  /** A model that may be seen, or undefined after it was refused. */
  const modelFor = (request: IncomingMessage, response: ServerResponse, repo: string, revision: string) => {
    const model = models[repo];
    const authorization = request.headers.authorization;
    if (!model || (model.token && authorization !== `Bearer ${model.token}`)) {
      if (authorization && !model) fail(response, 404, "RepoNotFound", "Repository not found");
      else fail(response, 401, "RepoNotFound", "Invalid username or password.");
    } else if (revision !== "main" && revision !== commitOf(model)) {
      fail(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    } else return model;
    return undefined;
  };

  const send = (request: IncomingMessage, response: ServerResponse, name: string, content: Buffer, etag: string) => {
    const trick = tricks.get(name);
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const [begin, end] = range ? [Number(range[1]), Number(range[2]) + 1] : [0, content.length];
    const headers = { etag: `"${etag}"`, "accept-ranges": "bytes", "content-length": end - begin };
    if (range) response.writeHead(206, { ...headers, "content-range": `bytes ${begin}-${end - 1}/${content.length}` });
    const part = content.subarray(begin, end);
    if (request.method === "HEAD") return response.end();
    if (range || !trick) return (range ? response : response.writeHead(200, headers)).end(part);
    if (trick === "fail") return fail(response, 503, "", "Service unavailable");
    if (trick === "other bytes") return response.writeHead(200, headers).end(Buffer.from(part).fill(1, 0, 1));
    const half = part.subarray(0, part.length >> 1);
    if (trick === "fewer bytes")
      return response.writeHead(200, { ...headers, "content-length": half.length }).end(half);
    response.writeHead(200, headers).write(half, () => {
      if (trick === "stall") stalling();
      else response.destroy();
    });
    return undefined;
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url!, `http://${request.headers.host}`);
    requests.push(`${request.method} ${url.pathname}`);
    const [, repo, route, revision] = /^\/api\/models\/(\w+\/\w+)\/(revision|tree)\/([^/]+)$/.exec(url.pathname) ?? [];
    if (repo) {
      const model = modelFor(request, response, repo, decodeURIComponent(revision));
      if (!model) return;
      if (route === "revision") return json(response, { _id: "1", id: repo, sha: commitOf(model), private: false });
      const all = Object.entries(model.files).map(([path, content]) => {
        const size = bytesOf(content).length;
        const lfs = isLfs(path) ? { lfs: { oid: sha256(content), size, pointerSize: 134 } } : {};
        return { type: "file", path, size, oid: gitSha1(lfs.lfs ? "the pointer" : content), ...lfs };
      });
      const entries = [{ type: "directory", path: "onnx", size: 0, oid: gitSha1("") }, ...all];
      const page = Number(url.searchParams.get("cursor") ?? 0);
      url.searchParams.set("cursor", String(page + 1));
      const more = entries.length > 3 * (page + 1);
      return json(response, entries.slice(3 * page, 3 * page + 3), more ? { link: `<${url}>; rel="next"` } : {});
    }
    const [, name, commit, file] = /^\/(\w+\/\w+)\/resolve\/(\w+)\/(.+)$/.exec(url.pathname) ?? [];
    if (name) {
      const model = modelFor(request, response, name, commit);
      if (!model) return;
      const content = model.files[file];
      if (content === undefined) return fail(response, 404, "EntryNotFound", "Entry not found");
      if (model.gated) {
        return fail(
          response,
          request.headers.authorization ? 403 : 401,
          "GatedRepo",
          `Access to model ${name} is restricted.`,
        );
      }
      response.setHeader("x-repo-commit", commit);
      if (!isLfs(file)) return send(request, response, file, bytesOf(content), gitSha1(content));
      return response
        .writeHead(302, {
          "x-linked-etag": `"${sha256(content)}"`,
          "x-linked-size": bytesOf(content).length,
          location: `http://localhost:${(server.address() as AddressInfo).port}/cdn/${sha256(content)}`,
        })
        .end();
    }
    const [, hash] = /^\/cdn\/(\w+)$/.exec(url.pathname) ?? [];
    if (request.headers.authorization) return fail(response, 400, "", "The place of large files takes no tokens");
    for (const { files } of Object.values(models)) {
      for (const [path, content] of Object.entries(files)) {
        if (isLfs(path) && sha256(content) === hash) return send(request, response, path, bytesOf(content), "part-3");
      }
    }
    return fail(response, 404, "", "Not found");
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    tricks,
    stalled,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
