/** The maps that travel with the package: what `braid maps` wrote of trained models that are too large to keep. */

import { existsSync, readFileSync } from "node:fs";
import type { MapsFile } from "../inspect/map-file.js";

// The same two steps up from src/findings and from dist/findings.
const folder = new URL("../../data/maps/", import.meta.url);

/** data/maps/<name>.json; undefined where it has not been recorded. */
export function recordedMaps(name: string): MapsFile | undefined {
  const file = new URL(`${name}.json`, folder);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as MapsFile) : undefined;
}
