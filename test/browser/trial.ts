import type * as Braid from "../../src/index.js";

export interface Trial {
  adapter: Braid.GpuInfo;
  /** Training loss of each of the 20 steps, then the validation loss. */
  losses: number[];
}

/** Trains a tiny hybrid (each kind of layer, grouped keys, a window with a sink) for 20 steps on the synthetic language. */
export async function trial(braid: typeof Braid): Promise<Trial> {
  const config = braid.parseConfig({
    vocabSize: 257,
    dModel: 32,
    pattern: "MTS",
    ffn: { kind: "swiglu", dFfn: 64 },
    attention: { heads: 2, kvHeads: 1, headDim: 16, rope: { theta: 10000 } },
    window: { size: 16, sink: 2, rope: { theta: 10000 } },
    ssm: { dSsm: 64, headDim: 16, dState: 16, groups: 1, conv: 4, chunk: 16, aRange: [0.01, 2], dtRange: [0.001, 0.1] },
    tieEmbeddings: true,
    normEps: 1e-5,
  });
  const dataset = await braid.openDataset({ data: "synthetic", tokens: 20_000, seed: 0 });
  const spec = braid.trainSpec(config, dataset, {
    tokens: 20 * 2 * 32,
    batch: { sequences: 2, length: 32 },
    lr: 5e-3,
    validation: { tokens: 64, every: 20 },
  });
  const gpu = await braid.Gpu.open({ adapter: "software" });
  try {
    const { curve, validation } = await braid.train(gpu, spec, dataset);
    return { adapter: gpu.info, losses: [...curve.map((point) => point.train), validation.nllPerToken] };
  } finally {
    gpu.close();
  }
}
