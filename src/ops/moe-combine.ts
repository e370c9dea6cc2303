import { spread } from "../gpu/recorder.js";
import { columnsOf, rowsOf, sizeOf, type Tensor } from "../gpu/tensor.js";
import { type Bound, declare } from "./bindings.js";
import type { ExpertPlan } from "./moe-plan.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/**
 * out[token] = Σ over k of weight[token, k] · y[its slot], plus `residual` [R, N] where given, whose gradient is then that of
 * out, in place: it must have no reader after this. y [A, N] by slot, weight [R, K] → [R, N].
 * @throws Error when shapes don't fit the plan.
 */
export function combine(tape: Tape, y: Tensor, weight: Tensor, plan: ExpertPlan, residual?: Tensor): Tensor {
  const { rows, topK, slots } = plan;
  const width = columnsOf(y);
  const count = rows * topK;
  if (rowsOf(y) !== count || sizeOf(weight) !== count || (residual && sizeOf(residual) !== rows * width)) {
    throw new Error(
      `Combine: y [${y.shape}], weights [${weight.shape}]${residual ? `, residual [${residual.shape}]` : ""} do not fit ${rows} tokens of ${topK} experts`,
    );
  }
  const out = tape.alloc([rows, width], "experts", residual ? residual.type : tape.activations);
  tape.push({
    outputs: [out],
    cheap: true,
    forward: () => sum(tape, plan, { y, into: out, weight, residual, label: "experts combine" }),
    backward: () => {
      const wide = isWide(width);
      const units = width / lengthOf(wide);
      // A barrier costs more in software than the lanes would save.
      const [lanes, perGroup] = tape.gpu.info.software ? [1, 16] : units <= 64 ? [16, 16] : [64, 4];
      const dy = tape.gradientOf(y);
      const dWeight = tape.gradientOf(weight);
      tape.recorder.dispatch({
        kernel: "moe/combine-backward",
        constants: {
          UNITS: units,
          TOP_K: topK,
          LANES: lanes,
          SLOTS: perGroup,
          ACCUMULATE_Y: dy.accumulate,
          ACCUMULATE_WEIGHT: dWeight.accumulate,
        },
        before: vector(wide),
        bindings: [y, slots, weight, tape.incoming(out), dy.gradient, dWeight.gradient],
        params: [count],
        groups: spread(Math.ceil(count / perGroup)),
        label: "experts combine dx",
      });
      if (residual) tape.passOn(out, residual);
    },
  });
  return out;
}

/** Records into[token] (+)= Σ over k of y[the slot of assignment k], in order: y [A, N] by slot, into [R, N]. */
export function sumSlots(
  tape: Tape,
  plan: ExpertPlan,
  y: Tensor,
  into: Tensor,
  accumulate: boolean,
  label: string,
): void {
  sum(tape, plan, { y, into, accumulate, label });
}

interface Sum {
  y: Tensor;
  into: Tensor;
  weight?: Tensor;
  residual?: Tensor;
  accumulate?: boolean;
  label: string;
}

function sum({ recorder }: Tape, plan: ExpertPlan, { y, into, weight, residual, accumulate, label }: Sum): void {
  const wide = isWide(columnsOf(y));
  const units = columnsOf(y) / lengthOf(wide);
  const bound: Bound[] = [];
  if (weight) bound.push({ name: "weights", tensor: weight, element: "f32" });
  if (residual) bound.push({ name: "residual", tensor: residual });
  const before = `${vector(wide)}${declare(4, bound)}fn weight_of(assignment: u32) -> f32 { return ${weight ? "weights[assignment]" : "1.0"}; }
fn before(i: u32) -> V { return ${residual ? "residual[i]" : accumulate ? "out[i]" : "V()"}; }
`;
  const count = plan.rows * units;
  recorder.dispatch({
    kernel: "moe/combine",
    constants: { UNITS: units, TOP_K: plan.topK },
    before,
    bindings: [y, plan.slots, into, ...bound.map(({ tensor }) => tensor)],
    params: [count],
    groups: spread(Math.ceil(count / 256)),
    label,
  });
}
