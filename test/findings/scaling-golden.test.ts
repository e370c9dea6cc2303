import { scaling } from "../../src/findings/scaling.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(scaling, {
  tables: [
    "scaling",
    "scaling-fits",
    "scaling-readings",
    "scaling-exponents",
    "scaling-paper-fits",
    "scaling-paper-readings",
    "scaling-paper-exponents",
  ],
  figures: ["scaling", "scaling-between", "scaling-paper", "scaling-paper-between"],
});
