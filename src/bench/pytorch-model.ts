import type { NamedModel } from "./models.js";
import type { TrainCase } from "./train.js";

/**
 * What pytorch_step.py is told of a model of a named size.
 * @throws Error when it has layers that PyTorch's side has not
 */
export function pytorchModel({ name, config }: NamedModel, batch: TrainCase["batch"]): Record<string, unknown> {
  const { pattern, vocabSize, dModel, ffn, attention, ssm } = config;
  if (!ffn || !/^[TM]+$/.test(pattern)) {
    throw new Error(
      `--pytorch: PyTorch's side has layers of T (attention) and M (Mamba-2) only, but ${name} is ${pattern}.`,
    );
  }
  const heads = attention && {
    heads: attention.heads,
    kvHeads: attention.kvHeads,
    headDim: attention.headDim,
    theta: attention.rope?.theta,
  };
  const scan = ssm && { dSsm: ssm.dSsm, ssmHeadDim: ssm.headDim, dState: ssm.dState, conv: ssm.conv };
  return { pattern, vocabSize, dModel, dFfn: ffn.dFfn, ...batch, ...heads, ...scan };
}
