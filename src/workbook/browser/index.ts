// The script of pages that only have wide tables.
import { focusableScrollers } from "./scrollers.js";

focusableScrollers();
