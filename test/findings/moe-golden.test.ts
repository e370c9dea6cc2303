import { moe } from "../../src/findings/moe.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(moe, {
  tables: ["moe", "moe-load", "moe-mini", "moe-mini-load", "moe-bytes", "moe-bytes-load"],
  figures: ["moe", "moe-load", "moe-mini", "moe-mini-load", "moe-bytes", "moe-bytes-load"],
});
