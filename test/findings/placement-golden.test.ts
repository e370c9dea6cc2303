import { placement } from "../../src/findings/placement.js";
import { testRecorded } from "./recorded-golden.js";

testRecorded(placement);
