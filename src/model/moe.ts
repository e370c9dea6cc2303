import type { MoeConfig } from "../config/types.js";
import type { Tensor } from "../gpu/tensor.js";
import { activate } from "../ops/activation.js";
import { linear } from "../ops/linear.js";
import { balance } from "../ops/moe-balance.js";
import { combine } from "../ops/moe-combine.js";
import { groupedLinear } from "../ops/moe-matmul.js";
import { expertPlan } from "../ops/moe-plan.js";
import { route } from "../ops/moe-route.js";
import { swiglu } from "../ops/swiglu.js";
import type { Tape } from "../ops/tape.js";

export interface MixtureContext {
  tape: Tape;
  moe: MoeConfig;
  /** The layer's weight by the last part of its name, e.g. "mlp.router.weight". */
  weight: (name: string) => Tensor;
  /** Multiplies the experts' output before the residual is added; 1 by default. */
  scale?: number;
  /**
   * Shown, as they are recorded, "experts chosen" u32 [R, K] and "expert weights" [R, K] (`scale` included); and after the
   * backward pass "router statistics" [E + 1], the assignments of each expert and the mean entropy of the router in nats.
   */
  observe?: (name: string, tensor: Tensor) => void;
  /** Training only: records something after the backward pass; without it the bias stays as it is. */
  afterBackward?: (record: () => void) => void;
}

/**
 * Σ over a token's topK experts of weight · expert(x) + the shared expert's output, for x [..., d] that is normalised already; plus
 * `residual` [..., d] where given, whose gradient is then that of the result, in place: it must have no reader after this.
 * Paper Table 4: one shared and one of eight experts, sigmoid scores, loss-free balancing. No expert has a capacity.
 */
export function mixtureOfExperts(context: MixtureContext, x: Tensor, residual?: Tensor): Tensor {
  const { tape, moe, weight, scale = 1, observe } = context;
  const { experts, topK, dShared, kind, router, normalise, routedScale = 1 } = moe;
  const active = (hidden: Tensor) => (kind === "swiglu" ? swiglu(tape, hidden) : activate(tape, hidden, kind));
  const logits = linear(tape, x, [weight("mlp.router.weight")], "router", undefined, { type: "f32" });
  const bias = moe.balance ? weight("mlp.expert_bias") : undefined;
  const routing = route(tape, logits, bias, { topK, score: router, normalise, scale: routedScale * scale });
  const plan = expertPlan(tape, routing.choice, experts);
  observe?.("experts chosen", routing.choice);
  observe?.("expert weights", routing.weight);
  const hidden = groupedLinear(tape, x, weight("mlp.experts.gate_up_proj"), plan, "tokens", "experts in");
  const y = groupedLinear(tape, active(hidden), weight("mlp.experts.down_proj"), plan, "slots", "experts out");
  let base = residual;
  if (dShared > 0) {
    const first = (kind === "swiglu" ? ["gate", "up"] : ["up"]).map((name) => weight(`mlp.shared.${name}_proj.weight`));
    const shared = active(linear(tape, x, first, "shared in"));
    base = linear(tape, shared, [weight("mlp.shared.down_proj.weight")], "shared out", residual, {
      scale,
      unread: true,
    });
  }
  const { entropy } = routing;
  if (entropy) {
    context.afterBackward?.(() => {
      const usage = { rows: plan.rows, topK, counts: plan.counts, entropy };
      const statistics = balance(tape.recorder, tape.arena, usage, { bias, step: moe.balance?.step });
      observe?.("router statistics", statistics);
      tape.arena.release(statistics);
    });
  }
  return combine(tape, y, routing.weight, plan, base);
}
