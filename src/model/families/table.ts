/** The families whose folders are read and written, by the model_type of their config.json. */

import { bamba } from "./bamba.js";
import { diffllama } from "./diffllama.js";
import { falconH1 } from "./falcon-h1.js";
import type { Family } from "./family.js";
import { granite } from "./granite.js";
import { jamba } from "./jamba.js";
import { llama } from "./llama.js";
import { mamba1 } from "./mamba1.js";
import { mamba2 } from "./mamba2.js";
import { mistral } from "./mistral.js";
import { nemotronH } from "./nemotron-h.js";
import { zamba2 } from "./zamba2.js";

const families: readonly Family[] = [
  llama,
  mistral,
  diffllama,
  mamba1,
  mamba2,
  jamba,
  bamba,
  granite,
  nemotronH,
  falconH1,
  zamba2,
];

export const familyTypes = (): string[] => families.map(({ type }) => type);

export function familyOf(type: string): Family | undefined {
  return families.find((family) => family.type === type);
}
