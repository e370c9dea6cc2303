import { describe, it } from "vitest";
import { useGpu } from "../ops/harness.js";
import { expectGradients } from "./blocks/fixtures.js";
import { tinyConfig } from "./fixtures.js";

const holder = useGpu();

describe("the gradient of the whole model", () => {
  // One pattern a mixer, and one that mixes them, so that a failure names its block.
  it.each(["T", "S", "M", "MTSM"])("is that of its loss, weight by weight, for %s", (pattern) =>
    expectGradients(holder.gpu, tinyConfig(pattern)),
  );
});
