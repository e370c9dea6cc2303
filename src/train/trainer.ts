import { countParameters } from "../config/parameters.js";
import { batchAt } from "../data/batches.js";
import { checkVocabulary } from "../data/codec.js";
import { isSynthetic } from "../data/synthetic.js";
import type { Dataset } from "../data/types.js";
import { answer } from "../evaluate/answer.js";
import { NllEvaluation } from "../evaluate/nll.js";
import { download, upload } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import type { Recompute } from "../memory/recompute.js";
import { initialValues } from "../model/initialise.js";
import { readLossScale } from "../ops/loss-scale.js";
import type { Checkpoint, CheckpointStore } from "./checkpoint.js";
import { chooseTiles } from "./choose.js";
import { Curve } from "./curve.js";
import { dataIdentity } from "./defaults.js";
import { LossLog } from "./loss-log.js";
import type { TrainProgress } from "./progress.js";
import { rateFactor, stepsOf } from "./schedule.js";
import { Skips } from "./skips.js";
import { TrainStep } from "./step.js";
import { trunkSteps } from "./trunk.js";
import type { TrainResult, TrainSpec } from "./types.js";

export interface TrainOptions {
  onProgress?: (progress: TrainProgress) => void;
  /** Told, before the first step, how many of the products to be timed on this adapter have been (`chooseTiles`). */
  onTimed?: (done: number, all: number) => void;
  /**
   * Stops after the step under way, or in a validation; with `checkpoints`, the run goes on from there next time, without them it is
   * lost, be it in its last validation.
   */
  signal?: AbortSignal;
  checkpoints?: CheckpointStore;
  /** Kept for runs that share this one's beginning: read where this run is new, written where it cools down. */
  trunk?: CheckpointStore;
  /** Steps between checkpoints. */
  checkpointEvery?: number;
  /** "none" by default. It changes memory and time, but no bit of the outcome, and so is no part of the spec. */
  recompute?: Recompute;
  /** Seconds after which a checkpoint is due, whatever the steps. */
  checkpointSeconds?: number;
  /** Called with the trained step before it is destroyed: to save weights, generate, measure. */
  onFinish?: (step: TrainStep) => Promise<void>;
}

/** Training was stopped by its signal. */
export class Stopped extends Error {
  constructor(
    readonly step: number,
    readonly steps: number,
  ) {
    super(`Training was stopped at step ${step} of ${steps}.`);
    this.name = "Stopped";
  }
}

/**
 * Trains a model from its spec. The outcome depends on the spec, the dataset and the kind of adapter alone; a run that
 * was stopped or killed and resumed from its checkpoint ends with the same bits.
 * @throws Error when the dataset is not the spec's, the loss is not finite, or the GPU fails; Stopped on `signal`
 */
export async function train(
  gpu: Gpu,
  spec: TrainSpec,
  dataset: Dataset,
  options: TrainOptions = {},
): Promise<TrainResult> {
  checkDataset(spec, dataset);
  const steps = stepsOf(spec);
  await chooseTiles(gpu, spec, options.recompute, options);
  const step = new TrainStep(gpu, spec, options.recompute);
  const log = new LossLog(gpu, 64);
  let evaluation: NllEvaluation | undefined;
  try {
    evaluation = new NllEvaluation(gpu, step.parameters, dataset, {
      ...spec.batch,
      tokens: spec.validation.tokens,
      arena: step.arena,
    });
    return await loop({ gpu, spec, dataset, options, steps, step, log, evaluation });
  } finally {
    evaluation?.destroy();
    log.destroy();
    step.destroy();
  }
}

interface Loop {
  gpu: Gpu;
  spec: TrainSpec;
  dataset: Dataset;
  options: TrainOptions;
  steps: number;
  step: TrainStep;
  log: LossLog;
  evaluation: NllEvaluation;
}

/** Milliseconds of work to queue up before waiting for losses: enough to hide the wait, little enough to stay live. */
const patience = 250;

async function loop({ gpu, spec, dataset, options, steps, step, log, evaluation }: Loop): Promise<TrainResult> {
  const { checkpoints, trunk, signal, onProgress } = options;
  const { checkpointEvery = Number.POSITIVE_INFINITY, checkpointSeconds = Number.POSITIVE_INFINITY } = options;
  const perStep = spec.batch.sequences * spec.batch.length;
  const factor = rateFactor(spec);
  const lrAt = (index: number) => spec.optimizer.lr * factor(index);
  const trunkEnd = trunkSteps(spec);
  const saved = (await checkpoints?.load()) ?? (await beginning(trunk, trunkEnd));
  if (saved) {
    upload(gpu, step.parameters.values, saved.values);
    upload(gpu, step.moments.first, saved.first);
    upload(gpu, step.moments.second, saved.second);
    if (step.lossScale && saved.lossScale) upload(gpu, step.lossScale, Float32Array.from(saved.lossScale));
  } else step.parameters.load(initialValues(step.parameters, spec.seed));
  const curve = new Curve(saved?.curve);
  const begun = saved?.step ?? 0;
  let logged = begun;
  const skips = new Skips(step.lossScale !== undefined);
  let validation = { nllPerToken: Number.NaN, nllPerByte: Number.NaN, tokens: 0, bytes: 0 };
  let lastLoss = saved?.curve.losses.filter((loss) => loss !== null).at(-1) ?? Number.NaN;
  const started = performance.now();
  let savedAt = started;
  /** Seconds of training and validation, and of validation alone, those before a resume included. */
  const elapsed = () => (saved?.seconds ?? 0) + (performance.now() - started) / 1000;
  let validating = saved?.validating ?? 0;
  const paceUntilNow = () => (elapsed() - validating) / Math.max(1, logged);
  /** Seconds a step; unknown, so that the first is waited for: a slow adapter takes minutes for what is queued at once. */
  let pace = Number.POSITIVE_INFINITY;

  const diverged = (what: string) =>
    new Error(
      `The ${what} at step ${logged} of ${steps}: lower the learning rate (now ${spec.optimizer.lr})${step.lossScale ? ", or train in f32" : ""}.`,
    );

  const report = (validated: Pick<TrainProgress, "validating" | "validation"> = {}) => {
    // Of a validation that is made up for, before the first step, that of the steps before the stop.
    const told = Number.isFinite(pace) ? pace : paceUntilNow();
    onProgress?.({
      step: logged,
      steps,
      tokens: logged * perStep,
      loss: lastLoss,
      tokensPerSecond: perStep / told,
      secondsLeft: told * (steps - logged),
      ...validated,
    });
  };
  const validates = (done: number) => done === steps || done % spec.validation.every === 0;
  /** @returns false where the signal came first: then it is still to be done */
  const validate = async (): Promise<boolean> => {
    const from = performance.now();
    const found = await evaluation.run({ signal, onProgress: (share) => report({ validating: share }) });
    validating += (performance.now() - from) / 1000;
    if (!found) return false;
    validation = found;
    if (!Number.isFinite(found.nllPerToken)) throw diverged(`validation loss is ${found.nllPerToken}`);
    curve.validate(logged, found.nllPerToken);
    report({ validation: found.nllPerToken });
    return true;
  };
  /** Reads the losses of the steps run since the last time. */
  const catchUp = async () => {
    for (const outcome of await log.take()) {
      logged++;
      const lost = skips.after(outcome);
      if (lost) throw diverged(lost);
      if (Number.isFinite(outcome.loss)) lastLoss = outcome.loss;
      curve.add(outcome.loss);
    }
    pace = paceUntilNow();
    report();
  };
  const save = async (store: Pick<CheckpointStore, "save">) => {
    const [values, first, second] = [
      await download(gpu, step.parameters.values),
      await download(gpu, step.moments.first),
      await download(gpu, step.moments.second),
    ];
    const times = { seconds: elapsed(), validating };
    const lossScale = step.lossScale && Array.from(await download(gpu, step.lossScale));
    const { shared } = saved ?? {};
    const routers = await step.routers.read();
    const state = { values, first, second, curve: curve.save(), lossScale, routers };
    await store.save({ step: logged, ...state, ...times, shared });
    savedAt = performance.now();
  };

  // Stopped in a validation, or after the last step.
  const missed = saved !== undefined && validates(begun) && !curve.isValidated(begun);
  if (missed || begun === steps) {
    if (!(await validate())) throw new Stopped(begun, steps);
    if (missed && trunk !== undefined && begun === trunkEnd) await save(trunk);
  }
  for (let index = begun; index < steps; index++) {
    step.run(batchAt(dataset.train, { seed: spec.seed, step: index, ...spec.batch }), index, lrAt(index));
    log.append(step.loss, step.norm);
    const done = index + 1;
    const last = done === steps;
    const validated = validates(done);
    const due = done % checkpointEvery === 0 || performance.now() - savedAt >= checkpointSeconds * 1000;
    const checkpoint = checkpoints !== undefined && (last || due);
    const parting = trunk !== undefined && done === trunkEnd;
    const stopping = signal?.aborted === true;
    if (!validated && !checkpoint && !parting && !stopping && !log.full && (done - logged) * pace * 1000 < patience)
      continue;
    await catchUp();
    const whole = !validated || (await validate());
    // What shares the beginning wants it validated.
    if (parting && whole) await save(trunk);
    const stop = signal?.aborted === true;
    if (checkpoints && (checkpoint || stop)) await save(checkpoints);
    if (stop && !(last && whole)) throw new Stopped(done, steps);
  }
  const seconds = elapsed();
  // Where no step was left to take, what the routers did in the last one stands in its checkpoint.
  const routers = begun === steps ? (saved?.routers ?? []) : await step.routers.read();
  const lossScale = step.lossScale && (await readLossScale(gpu, step.lossScale));
  const answers = spec.tasks && (await answer(gpu, step.parameters, dataset, spec.tasks));
  await options.onFinish?.(step);
  const { total, nonEmbedding } = countParameters(spec.config);
  const points = curve.points({ steps, tokensPerStep: perStep, lrAt, every: spec.validation.every });
  return {
    steps,
    tokens: steps * perStep,
    params: { total, nonEmbedding },
    ...(routers.length > 0 && { routers }),
    ...(lossScale && { lossScale }),
    trainLoss: points.at(-1)!.train,
    validation,
    ...answers,
    ...(saved?.shared && { shared: saved.shared }),
    curve: points,
    tokensPerSecond: (steps * perStep) / Math.max(1e-9, seconds - validating),
    seconds,
  };
}

/** The end of a trunk that this run shares, as a state to go on from. */
async function beginning(trunk: CheckpointStore | undefined, end: number): Promise<Checkpoint | undefined> {
  const found = await trunk?.load();
  return found && found.step <= end ? { ...found, shared: found.step } : undefined;
}

/** A run's identity names its data; other data would give another run under the same name. */
function checkDataset({ data, config }: TrainSpec, dataset: Dataset): void {
  const given = dataIdentity(dataset);
  // The checksum of the synthetic language is of its length as well, and older names do not say it.
  const cut = (name: string) =>
    isSynthetic(name) && isSynthetic(data.name) ? undefined : (/\[:\d+\]$/.exec(name)?.[0] ?? "all of it");
  const parts: [what: string, wanted: string | undefined, is: string | undefined][] = [
    ["SHA-256 of the training text", data.sha256, given.sha256],
    ["SHA-256 of the validation text", data.validationSha256, given.validationSha256],
    ["part of the training text", cut(data.name), cut(given.name)],
    ["tokenizer", data.tokenizer, given.tokenizer],
    ["SHA-256 of the tokenizer", data.tokenizerSha256, given.tokenizerSha256],
  ];
  for (const [what, wanted, is] of parts) {
    if (wanted !== is) {
      throw new Error(
        `The run reads "${data.name}", but the data given is "${given.name}": ${what} is ${is}, not ${wanted}.`,
      );
    }
  }
  checkVocabulary(dataset.codec, config.vocabSize);
}
