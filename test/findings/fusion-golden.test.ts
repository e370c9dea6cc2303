import { fusion } from "../../src/findings/fusion.js";
import { testRecorded } from "./recorded-golden.js";

testRecorded(fusion);
