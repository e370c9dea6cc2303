/** One model on a Hugging Face hub: its commits, its files and their checksums, and their bytes. */

import { downloadFile, type ListFileEntry, listFiles, modelInfo } from "@huggingface/hub";
import { HubError } from "./errors.js";

export const isCommit = (revision: string) => /^[0-9a-f]{40}$/.test(revision);

/** A file as the hub lists it. */
export interface HubFile {
  name: string;
  /** Bytes. */
  size: number;
  /** LFS files (the large ones) have the SHA-256 of their bytes, others the SHA-1 that git gives them. */
  checksum: { kind: "sha256" | "git"; value: string };
}

export interface SourceOptions {
  /** Address of the hub: HF_ENDPOINT, or https://huggingface.co, unless given. */
  hubUrl?: string;
  /** Access token for private and gated models: HF_TOKEN unless given. */
  token?: string;
  /** Stops what is under way. */
  signal?: AbortSignal;
}

export class HubModel {
  readonly hubUrl: string;
  private readonly token: string | undefined;
  private readonly signal: AbortSignal | undefined;

  /** @param repo "owner/name" */
  constructor(
    readonly repo: string,
    { hubUrl, token, signal }: SourceOptions,
  ) {
    this.hubUrl = (hubUrl || process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
    this.token = token || process.env.HF_TOKEN || undefined;
    this.signal = signal;
    if (!/^\w[\w.-]*\/\w[\w.-]*$/.test(repo)) throw new Error(`${repo} is no owner/name of a model on the hub.`);
    if (!/^https?:\/\/./.test(this.hubUrl)) {
      throw new Error(
        `The address of the hub (HF_ENDPOINT) is ${this.hubUrl}; it has to begin with https:// or http://.`,
      );
    }
    if (this.token?.startsWith("hf_") === false)
      throw new Error("The access token (HF_TOKEN) does not begin with hf_.");
  }

  /** The commit that a branch, a tag or a shortened hash stands for. @throws HubError */
  async commitOf(revision: string): Promise<string> {
    const what = `${this.repo}@${revision}`;
    const { sha } = await this.ask(what, () =>
      modelInfo({ name: this.repo, revision, additionalFields: ["sha"], ...this.access("", revision) }),
    );
    if (isCommit(String(sha))) return sha;
    throw new HubError("unreachable", `${this.hubUrl} does not say which commit ${what} is.`);
  }

  /** The files of a commit, without those in folders. @throws HubError */
  async list(commit: string): Promise<HubFile[]> {
    const entries = await this.ask(`${this.repo}@${commit}`, async () => {
      const all: ListFileEntry[] = [];
      const listing = listFiles({ repo: this.repo, revision: commit, ...this.access("", commit) });
      for await (const entry of listing) all.push(entry);
      return all;
    });
    return entries.filter(({ type }) => type === "file").map((entry) => this.hubFile(entry));
  }

  private hubFile({ path, size, oid, lfs }: ListFileEntry): HubFile {
    const checksum = lfs
      ? ({ kind: "sha256", value: lfs.oid.replace(/^sha256:/, "") } as const)
      : ({ kind: "git", value: oid ?? "" } as const);
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(checksum.value)) {
      throw new HubError("wrong", `${this.hubUrl} lists ${path} of ${this.repo} without a checksum.`);
    }
    return { name: path, size: lfs?.size ?? size, checksum };
  }

  /** A file's bytes as they come. @throws HubError; the stream may fail in any way */
  async open(file: string, commit: string): Promise<ReadableStream<Uint8Array>> {
    const what = `${file} of ${this.repo}`;
    // Over plain HTTPS: hubs serve files that are in "xet" storage that way too, and so does any mirror.
    const access = { repo: this.repo, path: file, revision: commit, xet: false, ...this.access(file, commit) };
    const blob = await this.ask(what, () => downloadFile(access));
    if (!blob) throw new HubError("absent", `${this.hubUrl} does not have ${what}.`);
    return blob.stream() as ReadableStream<Uint8Array>;
  }

  /** What the library's functions need to reach the hub; `file` is what is asked for, "" when that is the model itself. */
  private access(file: string, revision: string) {
    return { hubUrl: this.hubUrl, accessToken: this.token, fetch: this.fetchFor(file, revision) };
  }

  /** `fetch` that stops with the signal, and fails in words: the library's errors name neither model nor reason. */
  private fetchFor(file: string, revision: string): typeof fetch {
    const what = file ? `${file} of ${this.repo}` : this.repo;
    return async (input, init) => {
      let response: Response;
      try {
        response = await fetch(input, { ...init, signal: this.signal });
      } catch (cause) {
        if (this.signal?.aborted) throw cause;
        const message = `${this.hubUrl} cannot be reached for ${what}: ${reason(cause)}.`;
        throw new HubError("unreachable", message, { cause });
      }
      if (response.ok) return response;
      await response.body?.cancel().catch(() => {});
      throw this.refusal(response, what, file, revision);
    };
  }

  /** Says in words that an answer could not be read, as when a hotel's network answers in the hub's place. */
  private async ask<T>(what: string, question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (cause) {
      if (cause instanceof HubError || this.signal?.aborted) throw cause;
      const message = `${this.hubUrl} does not answer like a hub when asked for ${what}: ${reason(cause)}.`;
      throw new HubError("unreachable", message, { cause });
    }
  }

  private refusal({ status, headers }: Response, what: string, file: string, revision: string): HubError {
    const { hubUrl, repo } = this;
    const code = headers.get("X-Error-Code");
    const noRevision = code === "RevisionNotFound";
    if (status === 404 && file) return new HubError("absent", `${hubUrl} does not have ${file} of ${repo}.`);
    if (status === 404 && noRevision)
      return new HubError("absent", `${repo} on ${hubUrl} has no revision ${revision}.`);
    if (status === 404) return new HubError("absent", `${hubUrl} has no model ${repo}.`);
    if (status === 403 || code === "GatedRepo") {
      const how = this.token ? "with the account of the token" : "and set HF_TOKEN to a token of that account";
      const message = `${hubUrl} gives ${what} only to those who were granted access (${status}): ask for it at ${hubUrl}/${repo} ${how}.`;
      return new HubError("refused", message);
    }
    if (status === 401) {
      const how = this.token
        ? "the token may not read it"
        : "if it is private, set HF_TOKEN to a token that may read it";
      // The hub says this of models that do not exist as well, so that names of private ones stay private.
      return new HubError("refused", `${hubUrl} has no ${what} that is open to us (${status}): ${how}.`);
    }
    if (status === 429)
      return new HubError("unreachable", `${hubUrl} wants a pause before it gives ${what} (${status}).`);
    return new HubError("unreachable", `${hubUrl} fails to give ${what} (status ${status}).`);
  }
}

/** Why a fetch failed, in words; undici says "fetch failed" and hides the reason, or several, in the cause. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error).replace(/\.$/, "");
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0]);
  if (error.cause instanceof Error) return reason(error.cause);
  return (error.message || error.name).replace(/\.$/, "");
}
