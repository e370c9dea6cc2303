export * from "./config/index.js";
export * from "./cost/index.js";
