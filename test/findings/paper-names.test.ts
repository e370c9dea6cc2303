/** What the paper calls its models and sizes. */
import { expect, test } from "vitest";
import { fourArchitectures } from "../../src/findings/models.js";
import { architectureNamed, paperNames, paperSizes, presetOf } from "../../src/findings/paper-names.js";

test("names lead to architectures and back, sizes to presets", () => {
  expect(fourArchitectures.map((key) => architectureNamed(paperNames[key]))).toEqual(fourArchitectures);
  expect(() => architectureNamed("SWA")).toThrow('data/paper: "SWA" is none of Llama, Mamba, Inter-H, Intra-H');
  expect(paperSizes.map(presetOf)).toEqual(["350m", "1b"]);
});
