// What a selective scan reads, and whether it fits together.
import { columnsOf, sizeOf, type Tensor } from "../gpu/tensor.js";
import type { StateEnds } from "./state-ends.js";

/** Columns of a tensor with a row a token, from `column` on. */
export interface ScanColumns {
  source: Tensor;
  column: number;
}

/** What a scan reads of every token. */
export interface ScanInputs {
  /** [B · T, D], after convolution and SiLU. */
  x: Tensor;
  /** [B · T, D], before bias and softplus: the output of dt_proj without its bias. */
  dt: Tensor;
  /** N columns. */
  b: ScanColumns;
  /** N columns. */
  c: ScanColumns;
  /** The gate, D columns. */
  z: ScanColumns;
}

export interface ScanWeights {
  /** [D, N]: A = -exp(aLog). */
  aLog: Tensor;
  /** [D] */
  d: Tensor;
  /** [D] */
  dtBias: Tensor;
}

export interface SelectiveScanOptions extends StateEnds {
  batch: number;
  /** Tokens a sequence, T. */
  length: number;
  /** D */
  channels: number;
  /** N, a multiple of 4. */
  state: number;
  /** [batch, D, N]: the state before the first token; zeros by default. Generation only. */
  initialState?: Tensor;
  /** [batch, D, N]: gets the state after the last token, for `selectiveScanStep` or the next piece to go on from; may be `initialState` itself. */
  finalState?: Tensor;
}

/** @throws Error when the tensors of a scan don't fit its options. */
export function checkScan({ x, dt, b, c, z }: ScanInputs, weights: ScanWeights, o: SelectiveScanOptions): void {
  const { batch, length, channels, state } = o;
  const rows = batch * length;
  if (state % 4) throw new Error(`The selective scan needs a state size that is a multiple of 4, not ${state}`);
  for (const [name, tensor] of Object.entries({ x, dt }))
    if (columnsOf(tensor) !== channels || sizeOf(tensor) !== rows * channels)
      throw new Error(`The selective scan takes ${name} as [${rows}, ${channels}], not [${tensor.shape}]`);
  for (const [name, { source, column }, width] of [
    ["B", b, state],
    ["C", c, state],
    ["z", z, channels],
  ] as const)
    if (column + width > columnsOf(source) || sizeOf(source) !== rows * columnsOf(source))
      throw new Error(
        `The selective scan takes ${name} from columns ${column} to ${column + width} of ${rows} tokens: the source is [${source.shape}]`,
      );
  for (const [weight, size, shape] of [
    [weights.aLog, channels * state, `${channels}, ${state}`],
    [weights.d, channels, channels],
    [weights.dtBias, channels, channels],
  ] as const)
    if (sizeOf(weight) !== size)
      throw new Error(`${weight.label} is [${weight.shape}], the selective scan takes [${shape}]`);
}
