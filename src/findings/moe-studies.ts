/** Which models and runs the mixture-of-experts finding compares (Table 4). */

import { withExperts } from "../config/index.js";
import { architectureModel, fourArchitectures } from "./models.js";
import type { Study, Variant } from "./study.js";

/** The four architectures with dense networks and with one shared and the best of eight experts. */
const variants: readonly Variant[] = fourArchitectures.flatMap((key): Variant[] => {
  const dense = architectureModel(key);
  return [
    { label: `${key} dense`, config: dense },
    { label: `${key} experts`, config: (size, vocabSize) => withExperts(dense(size, vocabSize)) },
  ];
});

export const moeStudies: readonly Study[] = [
  {
    name: "moe",
    about: "Four architectures, dense and with one shared and the best of eight experts",
    size: "nano",
    data: "bpe",
    seeds: [0, 1, 2],
    variants,
  },
];
