/** Fetching a model from a Hugging Face hub into the cache, or finding it there. */

import { join } from "node:path";
import { indexFile, weightMap, weightsFile } from "../model/weight-files.node.js";
import { ModelCache } from "./cache.node.js";
import { HubError } from "./errors.js";
import { type HubFile, HubModel, isCommit, reason, type SourceOptions } from "./source.node.js";

export interface FetchOptions extends SourceOptions {
  /** A branch, a tag or a commit; "main" unless given. */
  revision?: string;
  /** Folder of all caches: $BRAID_CACHE, or ~/.cache/braid and its like, unless given. */
  cache?: string;
  /** Called for each piece of a file that is downloaded, many times a second. */
  onProgress?: (progress: { file: string; bytes: number; size: number }) => void;
}

/** Of a repository's other files, those that a model folder may have. */
const configFile = "config.json";
const optional = ["generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"];

/**
 * The folder of a model of a hub: config.json, the safetensors weights (with index and shards), and if there are any,
 * the tokenizer's files and generation_config.json. What the cache lacks is downloaded; every file is checked against the
 * checksum that the hub lists for the commit, after the download and again at each use, and fetched anew when it fails.
 *
 * A commit that is in the cache needs no network. A branch or a tag is looked up; when the hub can't be reached, the
 * commit that it last was serves, which stderr says.
 * @param repo "owner/name"
 * @throws HubError in one sentence naming the model and the file; the signal's reason when it stops the download. Files
 *   that were whole by then stay, partial ones do not
 */
export async function fetchModel(repo: string, { cache: base, ...options }: FetchOptions = {}): Promise<string> {
  const { revision = "main", signal, onProgress } = options;
  const hub = new HubModel(repo, options);
  const cache = new ModelCache(repo, base);
  try {
    const commit = isCommit(revision) ? revision : await lookUp(hub, cache, revision);
    const remembered = cache.files(commit);
    const files = remembered ?? (await hub.list(commit));
    const listed = new Map(files.map((file) => [file.name, file]));
    const ensure = async (name: string) => {
      const file = listed.get(name);
      if (file) await obtain(hub, cache, commit, file, { signal, onProgress });
    };
    requireModel(hub, listed);
    if (!remembered) cache.rememberFiles(commit, files);
    for (const name of [configFile, ...optional]) await ensure(name);
    if (listed.has(weightsFile)) await ensure(weightsFile);
    else {
      await ensure(indexFile);
      const shards = new Set(weightMap(join(cache.folderOf(commit), indexFile)).values());
      for (const shard of shards) {
        if (!listed.has(shard)) throw new HubError("wrong", `${repo} lacks ${shard}, which its ${indexFile} names.`);
      }
      for (const shard of shards) await ensure(shard);
    }
    return cache.folderOf(commit);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

async function lookUp(hub: HubModel, cache: ModelCache, revision: string): Promise<string> {
  try {
    const commit = await hub.commitOf(revision);
    cache.rememberCommit(revision, commit);
    return commit;
  } catch (error) {
    const last = cache.lastCommit(revision);
    if (!(error instanceof HubError && error.trouble === "unreachable") || last === undefined) throw error;
    notice(`${error.message} The cache's copy is used: commit ${last}.`);
    return last;
  }
}

function requireModel({ repo, hubUrl }: HubModel, listed: Map<string, HubFile>): void {
  if (!listed.has(configFile))
    throw new HubError("absent", `${repo} on ${hubUrl} is no model: it has no ${configFile}.`);
  if (!listed.has(weightsFile) && !listed.has(indexFile)) {
    throw new HubError(
      "absent",
      `${repo} on ${hubUrl} has neither ${weightsFile} nor ${indexFile}; no other weights are read.`,
    );
  }
}

/** Sees to it that the cache has a file, whole. */
async function obtain(
  hub: HubModel,
  cache: ModelCache,
  commit: string,
  file: HubFile,
  { signal, onProgress }: Pick<FetchOptions, "signal" | "onProgress">,
): Promise<void> {
  signal?.throwIfAborted();
  const state = await cache.state(file, commit);
  if (state === "whole") return;
  if (state === "damaged") notice(`${file.name} of ${hub.repo} is damaged in the cache; it is fetched again.`);
  const bytes = await hub.open(file.name, commit);
  const onBytes = (bytes: number) => onProgress?.({ file: file.name, bytes, size: file.size });
  try {
    await cache.store(file, commit, bytes, { signal, onBytes });
  } catch (error) {
    if (error instanceof HubError || signal?.aborted) throw error;
    const message = `The download of ${file.name} of ${hub.repo} broke off: ${reason(error)}.`;
    throw new HubError("wrong", message, { cause: error });
  } finally {
    // Where nobody read to its end, as when the disk is full; else this does nothing.
    await bytes.cancel().catch(() => {});
  }
}

const notice = (sentence: string) => process.stderr.write(`braid: ${sentence}\n`);
