import { download, tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import type { Recorder } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";
import type { RouterUse } from "./types.js";

/** Keeps what the routers of a recorded step did the last time it ran. */
export class RouterLog {
  private readonly kept: { layer: number; statistics: Tensor }[] = [];

  constructor(
    private readonly gpu: Gpu,
    private readonly recorder: Recorder,
  ) {}

  /** To be given to `languageModel`: picks the router statistics out of what blocks show. */
  observe = (prefix: string, name: string, tensor: Tensor): void => {
    if (name !== "router statistics") return;
    const statistics = tensorFrom(this.gpu, tensor.shape, name);
    this.recorder.copy(tensor, statistics);
    this.kept.push({ layer: Number(/\d+$/.exec(prefix)?.[0]), statistics });
  };

  /** Layer by layer; empty for models without experts. */
  async read(): Promise<RouterUse[]> {
    const uses: RouterUse[] = [];
    for (const { layer, statistics } of this.kept) {
      const values = [...(await download(this.gpu, statistics))];
      const entropy = values.pop()!;
      const total = values.reduce((sum, count) => sum + count, 0);
      // No step has run.
      if (total === 0) continue;
      uses.push({ layer, load: values.map((count) => count / total), entropy });
    }
    return uses.sort((a, b) => a.layer - b.layer);
  }

  destroy(): void {
    for (const { statistics } of this.kept) statistics.buffer.destroy();
  }
}
