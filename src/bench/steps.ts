import { countParameters } from "../config/parameters.js";
import type { Gpu } from "../gpu/gpu.js";
import type { Recompute } from "../memory/recompute.js";
import { checkLosses } from "./gates.js";
import type { NamedModel } from "./models.js";
import type { Pytorch } from "./pytorch.node.js";
import { pytorchModel } from "./pytorch-model.js";
import { alternate, type Contender, type Rounds, type Timing } from "./timing.js";
import { type StepRate, stepRate, type TrainCase, TrainContender } from "./train.js";

/** PyTorch on the same card. */
export interface Rival {
  pytorch: Pick<Pytorch, "prepare" | "release">;
  /** Of pytorch_step.py, e.g. "bf16-compile". */
  modes: readonly string[];
  /** Told of a mode that does not work here; the others are timed all the same. */
  onFailure: (name: string, reason: string) => void;
}

export interface StepsOptions extends Rounds {
  precisions: readonly TrainCase["precision"][];
  /** "none" alone by default. */
  recompute?: readonly Recompute[];
  rival?: Rival;
}

/**
 * Times a model's training step in each precision at each level of recomputation, and in each mode of PyTorch, taking turns.
 * @throws Error when a gate fails, or no mode of PyTorch works
 */
export async function stepRates(
  gpu: Gpu,
  model: NamedModel,
  batch: TrainCase["batch"],
  { precisions, recompute = ["none"], rival, ...rounds }: StepsOptions,
): Promise<StepRate[]> {
  const request = rival && pytorchModel(model, batch);
  const own: TrainContender[] = [];
  const others: { contender: Contender; facts: PytorchFacts }[] = [];
  try {
    for (const precision of precisions) {
      for (const level of recompute) {
        own.push(await TrainContender.open(gpu, { ...model, batch, precision, recompute: level }, own[0]?.exact));
      }
    }
    for (const mode of rival?.modes ?? []) {
      const name = `pytorch ${mode}`;
      try {
        const prepared = await rival!.pytorch.prepare<PytorchFacts>(name, { do: "step", mode, ...request });
        others.push(prepared);
      } catch (error) {
        rival!.onFailure(`${model.name}, ${name}`, error instanceof Error ? error.message : String(error));
      }
    }
    if (rival && others.length === 0)
      throw new Error(`No mode of PyTorch could train ${model.name}; nothing was timed.`);
    for (const { contender, facts } of others) checkRival(model, contender.name, facts);
    const timings = await alternate([...own, ...others.map(({ contender }) => contender)], rounds);
    const rate = ({ contender, facts }: (typeof others)[number], timing: Timing) =>
      stepRate({ ...model, batch }, contender.name, timing, { ...facts, dispatches: null });
    return [
      ...own.map((contender, i) => contender.rate(timings[i])),
      ...others.map((other, i) => rate(other, timings[own.length + i])),
    ];
  } finally {
    for (const contender of own) contender.destroy();
    if (others.length > 0) await rival!.pytorch.release();
  }
}

/** What pytorch_step.py tells of a model. */
type PytorchFacts = Pick<StepRate, "peakBytes" | "losses" | "parameters">;

/** @throws Error when PyTorch's model is another one than braid's, or does not learn */
function checkRival({ name, config }: NamedModel, engine: string, { parameters, losses }: PytorchFacts): void {
  const { total } = countParameters(config);
  if (parameters !== total) {
    throw new Error(`${name} has ${parameters} parameters in PyTorch, but ${total} in braid; nothing was timed.`);
  }
  checkLosses(`${name} in ${engine}`, losses);
}

/** One of braid's precisions against one mode of PyTorch. */
export interface Ratio {
  model: string;
  engine: string;
  against: string;
  /** The fastest of PyTorch's modes for this model. */
  best: boolean;
  /** braid's steps a second over PyTorch's: above 1, braid is faster. */
  speed: number;
  /** braid's bytes over PyTorch's: below 1, braid needs less. */
  memory: number | null;
}

export function ratiosOf(rates: readonly StepRate[]): Ratio[] {
  const isOwn = ({ engine }: StepRate) => engine.startsWith("braid");
  return rates.filter(isOwn).flatMap((own) => {
    const others = rates.filter((rate) => rate.model === own.model && rate.length === own.length && !isOwn(rate));
    const fastest = Math.max(...others.map(({ tokensPerSecond }) => tokensPerSecond));
    return others.map((other) => ({
      model: own.model,
      engine: own.engine,
      against: other.engine,
      best: other.tokensPerSecond === fastest,
      speed: own.tokensPerSecond / other.tokensPerSecond,
      memory: own.peakBytes !== null && other.peakBytes !== null ? own.peakBytes / other.peakBytes : null,
    }));
  });
}

/**
 * Times the same number of tokens a step in sequences of each length: what a token costs as the context grows.
 * @throws Error as `stepRates`, and when a sequence is longer than a step
 */
export async function lengthRates(
  gpu: Gpu,
  model: NamedModel,
  { lengths, tokens, ...options }: StepsOptions & { lengths: readonly number[]; tokens: number },
): Promise<StepRate[]> {
  const uneven = lengths.find((length) => tokens % length !== 0);
  if (uneven) throw new Error(`--lengths: a step of ${tokens} tokens is no whole number of sequences of ${uneven}.`);
  const rates: StepRate[] = [];
  for (const length of lengths) {
    rates.push(...(await stepRates(gpu, model, { sequences: tokens / length, length }, options)));
  }
  return rates;
}
