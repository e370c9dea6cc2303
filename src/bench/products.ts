import type { Gpu } from "../gpu/gpu.js";
import { type MatmulPrecision, type MatmulRate, Product, rateOf } from "./matmul.js";
import type { Pytorch } from "./pytorch.node.js";
import { alternate, type Rounds } from "./timing.js";

/** A product as braid or PyTorch computes it; rates are of median times. */
export interface ProductRate extends Omit<MatmulRate, "precision"> {
  engine: string;
  /** braid's rate over this one; null for braid's own. */
  ratio: number | null;
}

/** The modes of torch.matmul that do what a precision of braid's does. */
const modes: Record<MatmulPrecision, string[]> = { f32: ["fp32", "tf32"], mixed: ["fp16", "bf16"] };

/**
 * Times square products of these sizes, and torch.matmul's of the same, taking turns.
 * @throws Error when a product of braid's is wrong, or PyTorch fails
 */
export async function productRates(
  gpu: Gpu,
  pytorch: Pick<Pytorch, "prepare" | "release">,
  sizes: readonly number[],
  precision: MatmulPrecision,
  rounds: Rounds,
): Promise<ProductRate[]> {
  const rates: ProductRate[] = [];
  for (const size of sizes) {
    const product = new Product(gpu, precision, size);
    try {
      const error = await product.check();
      const others = [];
      for (const mode of modes[precision]) {
        others.push(await pytorch.prepare<{ error: number }>(`pytorch ${mode}`, { do: "product", mode, size }));
      }
      const contenders = [product, ...others.map(({ contender }) => contender)];
      const errors = [error, ...others.map(({ facts }) => facts.error)];
      const timings = await alternate(contenders, rounds);
      for (const [i, timing] of timings.entries()) {
        const ratio = i === 0 ? null : timing.median / timings[0].median;
        rates.push({ engine: contenders[i].name, size, ...rateOf(size, timing.median), error: errors[i], ratio });
      }
    } finally {
      product.destroy();
      await pytorch.release();
    }
  }
  return rates;
}
