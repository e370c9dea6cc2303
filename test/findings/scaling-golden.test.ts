import { scaling } from "../../src/findings/scaling.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(scaling);
