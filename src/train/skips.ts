/** Steps that may be left out in a row: each halves the loss scale, and after so many of its powers of two it is not the scale. */
const patience = 24;

/**
 * Follows which steps the optimizer left out. With a dynamic loss scale it does so wherever the gradient norm is not finite
 * (Micikevicius et al. 2018, §3.2): gradients did not fit into f16, or an activation did not, which makes the loss NaN as well.
 * Either may pass with the next batch, for the weights stay as they were.
 */
export class Skips {
  private inARow = 0;

  /** @param scaled whether there is a dynamic loss scale; without one nothing is left out */
  constructor(private readonly scaled: boolean) {}

  /** What ends training after a step with such a loss and gradient norm, in words that "The" begins; undefined where it goes on. */
  after({ loss, norm }: { loss: number; norm: number }): string | undefined {
    if (Number.isFinite(loss) && Number.isFinite(norm)) {
      this.inARow = 0;
      return undefined;
    }
    const lost = Number.isFinite(loss) ? `gradient norm is ${norm}` : `loss is ${loss}`;
    // A loss that is lost though the gradients are finite did not overflow on its way.
    if (!this.scaled || Number.isFinite(norm)) return lost;
    return ++this.inARow < patience ? undefined : `${lost} for the ${patience}th step in a row`;
  }
}
