import { moe } from "../../src/findings/moe.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(moe, { tables: ["moe", "moe-load"], figures: ["moe", "moe-load"] });
