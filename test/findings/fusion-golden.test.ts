import { fusion } from "../../src/findings/fusion.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(fusion, {
  tables: ["fusion", "fusion-axes", "fusion-pairs", "fusion-dimensions", "fusion-alpha", "fusion-repeats"],
  figures: ["fusion", "fusion-dimensions", "fusion-alpha"],
});
