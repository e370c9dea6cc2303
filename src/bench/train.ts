import { countParameters } from "../config/parameters.js";
import { cost } from "../cost/cost.js";
import { batchAt } from "../data/batches.js";
import { bytesCodec } from "../data/codec.js";
import { syntheticDataset } from "../data/synthetic.js";
import type { Batch, Dataset } from "../data/types.js";
import type { Gpu } from "../gpu/gpu.js";
import type { Profile, ProfileRow } from "../gpu/profile.js";
import type { Recompute } from "../memory/recompute.js";
import { initialValues } from "../model/initialise.js";
import { chooseTiles } from "../train/choose.js";
import { trainSpec } from "../train/defaults.js";
import { type LoggedStep, LossLog } from "../train/loss-log.js";
import { TrainStep } from "../train/step.js";
import type { TrainSpec } from "../train/types.js";
import { checkAgreement, checkLosses } from "./gates.js";
import type { NamedModel } from "./models.js";
import { profileStep } from "./profile.js";
import { type Burst, type Contender, gpuBurst, type Timing } from "./timing.js";

/** What is trained, and on how much at a time. */
export interface TrainCase extends NamedModel {
  batch: TrainSpec["batch"];
  precision: TrainSpec["precision"];
  /** "none" by default. */
  recompute?: Recompute;
}

/** What a training step took, here or in PyTorch. */
export interface StepRate {
  model: string;
  pattern: string;
  /** "braid mixed", "pytorch bf16-compile". */
  engine: string;
  parameters: number;
  sequences: number;
  length: number;
  /** Median milliseconds a step, and those of the fastest and slowest burst. */
  milliseconds: { median: number; least: number; most: number };
  tokensPerSecond: number;
  /** 1e12 FLOPs a second, counted as 6 for each parameter and token. */
  teraflops: number;
  /** The same by the paper's formulas, which count attention and leave out the embedding (`braid cost`). */
  costTeraflops: number;
  /** Most bytes allocated at a time; braid's are those of the step's activations, weights, gradients and moments. */
  peakBytes: number | null;
  /** Of a step; null for others than braid. */
  dispatches: number | null;
  /** Of the warm-up, the same batch each time. */
  losses: number[];
}

/** Steps before the clock starts, and that the loss has to fall over. */
const warmup = ({ info }: Gpu) => (info.software ? 3 : 5);
/** Of the peak learning rate: a batch that comes again and again needs less. */
const gentleness = 0.1;

/** The training step of a model, checked; its bursts repeat one batch of the synthetic language. */
export class TrainContender implements Contender {
  private constructor(
    readonly name: string,
    readonly of: TrainCase,
    private readonly repeated: RepeatedStep,
    /** Of the warm-up's steps. */
    readonly logged: readonly LoggedStep[],
    /** The first step in f32. */
    readonly exact: LoggedStep,
  ) {}

  /**
   * Records the step and runs it until it can be trusted: losses are finite and fall, and those of mixed precision begin
   * where those of f32 do, with a gradient of the same norm.
   * @param exact the first step of the same in f32, where it is known
   * @throws Error when they don't, or the GPU fails
   */
  static async open(gpu: Gpu, of: TrainCase, exact?: LoggedStep): Promise<TrainContender> {
    const { precision, recompute = "none" } = of;
    const engine = `braid ${precision}${recompute === "none" ? "" : `, ${recompute}`}`;
    const what = `${of.name} in ${of.precision}`;
    if (of.precision === "mixed") exact ??= await firstStep(gpu, { ...of, precision: "f32" });
    const repeated = await RepeatedStep.open(gpu, of);
    try {
      const logged = await repeated.logged(warmup(gpu));
      if (exact && precision === "mixed") checkAgreement(what, logged[0], exact);
      checkLosses(what, lossesOf(logged));
      return new TrainContender(engine, of, repeated, logged, exact ?? logged[0]);
    } catch (error) {
      repeated.destroy();
      throw error;
    }
  }

  async burst(seconds: number): Promise<Burst> {
    const burst = await gpuBurst(this.repeated.step.gpu, () => this.repeated.submit(), seconds);
    const { loss } = await this.repeated.last();
    if (!Number.isFinite(loss)) throw new Error(`The loss of ${this.of.name} became ${loss} while it was timed.`);
    return burst;
  }

  rate(timing: Timing): StepRate {
    const { step } = this.repeated;
    return stepRate(this.of, this.name, timing, {
      peakBytes: step.bytes.total,
      dispatches: step.dispatches,
      losses: lossesOf(this.logged),
    });
  }

  /** What each kernel of the step takes. @throws Error when the adapter has no timestamps */
  profile(): Promise<ProfileRow[]> {
    return profileStep(this.repeated.step.gpu, (profile) => this.repeated.submit(profile));
  }

  get bytes(): TrainStep["bytes"] {
    return this.repeated.step.bytes;
  }

  destroy(): void {
    this.repeated.destroy();
  }
}

const lossesOf = (logged: readonly LoggedStep[]) => logged.map(({ loss }) => loss);

export function stepRate(
  { name, config, batch }: Pick<TrainCase, "name" | "config" | "batch">,
  engine: string,
  { median, least, most }: Timing,
  seen: Pick<StepRate, "peakBytes" | "dispatches" | "losses">,
): StepRate {
  const tokensPerSecond = (batch.sequences * batch.length) / median;
  const { total } = countParameters(config);
  const { flopsPerToken } = cost(config, { context: batch.length, tokens: 1 });
  return {
    model: name,
    pattern: config.pattern,
    engine,
    parameters: total,
    ...batch,
    milliseconds: { median: median * 1e3, least: least * 1e3, most: most * 1e3 },
    tokensPerSecond,
    teraflops: (6 * total * tokensPerSecond) / 1e12,
    costTeraflops: (flopsPerToken * tokensPerSecond) / 1e12,
    ...seen,
  };
}

/** A recorded step with the batch that it repeats. */
class RepeatedStep {
  readonly step: TrainStep;
  private readonly batch: Batch;
  private readonly log: LossLog;
  private done = 0;

  static async open(gpu: Gpu, { config, batch, precision, recompute }: Omit<TrainCase, "name">): Promise<RepeatedStep> {
    const dataset = textFor(batch);
    const spec = trainSpec(config, dataset, { tokens: batch.sequences * batch.length, batch, precision });
    await chooseTiles(gpu, spec, recompute);
    return new RepeatedStep(gpu, spec, dataset, recompute);
  }

  private constructor(gpu: Gpu, spec: TrainSpec, dataset: Dataset, recompute?: Recompute) {
    const { config, batch } = spec;
    this.batch = within(batchAt(dataset.train, { seed: 0, step: 0, ...batch }), config.vocabSize);
    this.step = new TrainStep(gpu, spec, recompute);
    this.step.parameters.load(initialValues(this.step.parameters, spec.seed));
    this.log = new LossLog(gpu, 64);
  }

  submit(profile?: Profile): void {
    this.step.run(this.batch, this.done++, gentleness * this.step.spec.optimizer.lr, profile);
  }

  /** Runs `count` steps, at most 64. @returns their losses and gradient norms */
  async logged(count: number): Promise<LoggedStep[]> {
    for (let i = 0; i < count; i++) {
      this.submit();
      this.log.append(this.step.loss, this.step.norm);
    }
    return this.log.take();
  }

  /** What the last step had. */
  async last(): Promise<LoggedStep> {
    this.log.append(this.step.loss, this.step.norm);
    return (await this.log.take())[0];
  }

  destroy(): void {
    this.log.destroy();
    this.step.destroy();
  }
}

async function firstStep(gpu: Gpu, of: TrainCase): Promise<LoggedStep> {
  const repeated = await RepeatedStep.open(gpu, of);
  const [logged] = await repeated.logged(1);
  repeated.destroy();
  return logged;
}

/** Enough of the synthetic language for one batch. */
function textFor({ sequences, length }: TrainSpec["batch"]): Dataset {
  const trainTokens = (sequences + 2) * length + 1;
  return syntheticDataset({ seed: 0, trainTokens, validationTokens: length + 1, codec: bytesCodec() });
}

/** Bytes as ids of a vocabulary that may be smaller. */
function within({ inputs, targets }: Batch, vocabSize: number): Batch {
  const fold = (ids: Uint32Array) => ids.map((id) => id % vocabSize);
  return { inputs: fold(inputs), targets: fold(targets) };
}
