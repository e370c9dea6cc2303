/** Losses of the placement studies, and what their models are compared with. */

import type { ByLabel } from "./by-seed.js";
import type { StudyRuns } from "./finding.js";
import { lossesByLabel } from "./losses.js";
import { hybridLayers } from "./models.js";
import type { Ratio } from "./placement-paper.js";

/** The label of the model whose one attention layer is in the middle. */
export const middleLayer = `layer ${(hybridLayers + 1) / 2}`;

/** At 1:1 the paper's "end" is every second layer from the second on: no other set lies more in the middle. */
export const middleAt = (ratio: Ratio): string => (ratio === "1:1" ? "1:1 end" : `${ratio} middle`);

/** Losses of each study, empty where it is not among the runs. */
export interface PlacementLosses {
  depths: ByLabel;
  ratios: ByLabel;
  intra: ByLabel;
  windows: ByLabel;
}

export function placementLosses(runs: StudyRuns): PlacementLosses {
  const of = (study: string) => lossesByLabel(runs.get(study) ?? []);
  return {
    depths: of("placement"),
    ratios: of("placement-ratios"),
    intra: of("placement-intra"),
    windows: of("placement-windows"),
  };
}

/** Third of the stack that a layer's centre lies in. The first layer, a case of its own, is in none. */
export type Third = "early" | "middle" | "late";

/** @param depth 1-based */
export function thirdOf(depth: number, layers: number): Third | undefined {
  if (depth === 1) return undefined;
  const centre = (depth - 0.5) / layers;
  return centre < 1 / 3 ? "early" : centre < 2 / 3 ? "middle" : "late";
}

/** Layers of a third: "early" 2 to 4 of 13, "middle" 5 to 9, "late" 10 to 13. */
export function layersOf(third: Third, layers = hybridLayers): number[] {
  return Array.from({ length: layers }, (_, i) => i + 1).filter((depth) => thirdOf(depth, layers) === third);
}
