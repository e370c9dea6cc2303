import { moe } from "../../src/findings/moe.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(moe, { tables: [], figures: [] });
