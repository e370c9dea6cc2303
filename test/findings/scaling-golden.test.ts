import { scaling } from "../../src/findings/scaling.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(scaling, {
  tables: ["scaling-paper-fits", "scaling-paper-readings", "scaling-paper-exponents"],
  figures: ["scaling-paper", "scaling-paper-between"],
});
