import { specs } from "../config/index.js";

/** What `--pattern` says of its letters. */
export const letters = (): string =>
  `one letter a layer: ${specs("mixer")
    .map(({ letter, meaning }) => `${letter} ${meaning}`)
    .join(", ")} (default: the size's 1:5 inter-hybrid)`;

export const expertsHelp =
  "a mixture of experts in place of each feed-forward network: 1 shared and the best of 8, each half as wide (Table 4)";
