import { fusion } from "../../src/findings/fusion.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(fusion, { tables: [], figures: [] });
