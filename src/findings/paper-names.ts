/** What the paper's tables call its models and their sizes. */

import type { FourArchitecture } from "./models.js";

/** The two sizes at which it compares architectures. */
export const paperSizes = ["350M", "1B"] as const;
export type PaperSize = (typeof paperSizes)[number];

/** The preset with the dimensions of a size (Table 8). */
export const presetOf = (size: PaperSize) => size.toLowerCase() as Lowercase<PaperSize>;

export const paperNames = {
  transformer: "Llama",
  mamba: "Mamba",
  inter: "Inter-H",
  intra: "Intra-H",
} as const satisfies Record<FourArchitecture, string>;

/** The architecture of a row's model. @throws Error when it is none of the four */
export function architectureNamed(name: string): FourArchitecture {
  const found = Object.entries(paperNames).find(([, printed]) => printed === name);
  if (!found) throw new Error(`data/paper: "${name}" is none of ${Object.values(paperNames).join(", ")}`);
  return found[0] as FourArchitecture;
}
