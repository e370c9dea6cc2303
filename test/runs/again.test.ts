import { expect, test } from "vitest";
import { againInWords } from "../../src/runs/again.js";
import { fakeRecord } from "./fake.js";

test("a run trained again has the recorded bits, or is told with both losses and where they come from", () => {
  const record = fakeRecord({}, 4.25);
  const words = "The recorded losses to the last bit: validation and";
  // Speed is no loss, and neither is the place.
  const elsewhere = { ...record, provenance: { ...record.provenance, adapter: "another" } };
  expect(againInWords(record, { ...elsewhere, result: { ...record.result, seconds: 1 } })).toContain(words);
  const off = { ...record.result, validation: { ...record.result.validation, nllPerToken: 4.250000001 } };
  expect(againInWords(record, { ...elsewhere, result: off })).toMatch(
    /^Not the recorded bits: 4\.25 nats a token \(test adapter.* at \w+\) is recorded, this is 4\.250000001 nats a token \(another at/,
  );
  const [first, ...rest] = record.result.curve;
  const bent = { ...record.result, curve: [{ ...first, train: first.train + 1e-9 }, ...rest] };
  expect(againInWords(record, { ...record, result: bent })).toContain("Not the recorded bits");
});
