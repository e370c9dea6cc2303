/** Models by name: a folder on the disk, or a model of a hub. */

import { statSync } from "node:fs";
import { HubError } from "./errors.js";
import type { FetchOptions } from "./fetch.node.js";

/**
 * The folder of a model.
 * @param nameOrFolder a folder, or else a hub's "owner/name" or "owner/name@revision"
 * @throws Error when it is neither a folder nor such a name; as `fetchModel`
 */
export async function resolveModel(
  nameOrFolder: string,
  options: Omit<FetchOptions, "revision"> = {},
): Promise<string> {
  const found = statSync(nameOrFolder, { throwIfNoEntry: false });
  if (found?.isDirectory()) return nameOrFolder;
  if (found) throw new Error(`${nameOrFolder} is a file; a model is a folder, or owner/name on the hub.`);
  const id = /^(\w[\w.-]*\/\w[\w.-]*)(?:@(.+))?$/.exec(nameOrFolder);
  if (!id)
    throw new Error(`There is no folder ${nameOrFolder}, and it is no owner/name or owner/name@revision of the hub.`);
  const { fetchModel } = await import("./fetch.node.js");
  try {
    return await fetchModel(id[1], { ...options, revision: id[2] });
  } catch (error) {
    // A mistyped path looks like the name of a model.
    if (!(error instanceof HubError) || error.trouble === "wrong") throw error;
    throw new HubError(error.trouble, `There is no folder ${nameOrFolder}, and ${error.message}`, { cause: error });
  }
}
