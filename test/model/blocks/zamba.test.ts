import { describe, it } from "vitest";
import { parseConfig } from "../../../src/config/schema.js";
import type { ZambaConfig } from "../../../src/config/types.js";
import { useGpu } from "../../ops/harness.js";
import { expectPiecesToAgree } from "./pieces.js";

const holder = useGpu();

const config = (pattern: string, zamba: Partial<ZambaConfig>) =>
  parseConfig({
    vocabSize: 50,
    dModel: 24,
    pattern,
    ssm: {
      ...{ dSsm: 48, headDim: 12, dState: 8, groups: 2, conv: 4, chunk: 16 },
      aRange: [1, 16],
      dtRange: [0.001, 0.1],
      dtLimit: { least: 0.03 },
    },
    zamba: {
      ...{
        blocks: 1,
        heads: 4,
        kvHeads: 4,
        headDim: 12,
        rope: null,
        dFfn: 21,
        adapterRank: 3,
        attentionAdapter: false,
      },
      ...zamba,
    },
    tieEmbeddings: true,
    normEps: 1e-5,
  });

describe("Mamba-2 behind a shared transformer block", () => {
  // (With as many keys as queries this is shown by the parity with transformers' Zamba2, test/families.)
  it("reads a text in pieces as at once with two blocks in turn, rotation, adapters everywhere and grouped keys", () =>
    expectPiecesToAgree(
      holder.gpu,
      config("ZZMZ", { blocks: 2, kvHeads: 2, rope: { theta: 1e4 }, attentionAdapter: true }),
    ));
});
