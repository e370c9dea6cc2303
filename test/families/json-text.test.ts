import { expect, it } from "vitest";
import { jsonText } from "../../src/model/families/json-text.js";

it("config.json tells floats from whole numbers, which transformers insists on", () => {
  const json = {
    ...{ hidden_size: 16, key_multiplier: 1, rms_norm_eps: 1e-6, time_step_rank: 3, flags: [true, null], text: "1" },
    ...{ ssm_multipliers: [1, 0.5, -2], time_step_limit: [0, { __float__: "Infinity" }], rope_theta: 1e21 },
    rope_parameters: { rope_theta: 1e11, factor: 8 },
  };
  const text = jsonText(json);
  expect(JSON.parse(text)).toEqual(json);
  expect(text.replace(/\s+/g, " ")).toBe(
    '{ "hidden_size": 16, "key_multiplier": 1.0, "rms_norm_eps": 0.000001, "time_step_rank": 3, ' +
      '"flags": [ true, null ], "text": "1", "ssm_multipliers": [ 1.0, 0.5, -2.0 ], ' +
      '"time_step_limit": [ 0.0, { "__float__": "Infinity" } ], "rope_theta": 1e+21, ' +
      '"rope_parameters": { "rope_theta": 100000000000.0, "factor": 8 } } ',
  );
});
