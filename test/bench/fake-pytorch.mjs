#!/usr/bin/env node
// Speaks the protocol of src/bench/pytorch_step.py without PyTorch: `--python test/bench/fake-pytorch.mjs`.
// FAKE_PYTORCH (JSON) says what goes wrong; every request is a line of FAKE_PYTORCH_LOG.
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

const {
  hello,
  failing = [],
  parameters,
  losses = [5.5, 5.4],
  dieOn,
  garbageOn,
} = JSON.parse(process.env.FAKE_PYTORCH ?? "{}");
const log = (line) => process.env.FAKE_PYTORCH_LOG && appendFileSync(process.env.FAKE_PYTORCH_LOG, `${line}\n`);
const answer = (values) => process.stdout.write(`${JSON.stringify(values)}\n`);

log(`start ${process.argv.slice(3).join(" ")}`);
answer(hello ?? { pytorch: "0.0", device: "a fake" });
if (hello?.failed) process.exit(1);
for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, id, mode, seconds, ...request } = JSON.parse(line);
  log([what, id].filter(Boolean).join(" "));
  if (what === dieOn) {
    process.stderr.write("Segmentation fault of a fake\n");
    process.exit(3);
  }
  if (what === garbageOn) process.stdout.write("Warning: something\n");
  else if (failing.includes(mode)) answer({ failed: `RuntimeError: no ${mode} here` });
  else if (what === "step") answer({ peakBytes: 2 ** 21, losses, parameters: parameters ?? weights(request) });
  else if (what === "product") answer({ error: 1e-7 });
  else if (what === "burst") answer({ repetitions: 4, seconds: id.endsWith("bf16") ? seconds : 2 * seconds });
  else answer({});
}

/** Of attention layers. */
function weights({ pattern, vocabSize, dModel, dFfn, heads, kvHeads, headDim }) {
  const attention = dModel * headDim * (2 * heads + 2 * kvHeads);
  return vocabSize * dModel + dModel + pattern.length * (attention + 3 * dModel * dFfn + 2 * dModel);
}
