import { type Command, Option } from "commander";
import type { MatmulPrecision } from "../../bench/matmul.js";
import { namedModels } from "../../bench/models.js";
import { type ProductRate, productRates } from "../../bench/products.js";
import { kernelRates, measureCeilings, roofOf } from "../../bench/roofline.js";
import { TrainContender } from "../../bench/train.js";
import type { Recompute } from "../../memory/recompute.js";
import { whole } from "../numbers.js";
import {
  type CommonOptions,
  noteMatrices,
  type PytorchFlags,
  report,
  rounds,
  seconds,
  withModels,
  withPytorch,
  withRecompute,
} from "./common.js";
import { ceilingText, kernelTable, memoryText, productTable } from "./tables.js";

interface Options extends CommonOptions, PytorchFlags {
  pattern: string;
  batch?: number;
  length?: number;
  precision: MatmulPrecision;
  recompute: Recompute;
}

export function registerOps(bench: Command): void {
  const command = bench
    .command("ops")
    .description("What the adapter can do, and what each kernel of a training step makes of it (its roofline)");
  withRecompute(withPytorch(withModels(command, "the models whose step is taken apart, as in bench train", "inter")))
    .option("--batch <n>", "sequences a step (default: 64; 1 in software)", whole)
    .option("--length <n>", "tokens a sequence (default: 1024; 32 in software)", whole)
    .addOption(new Option("--precision <kind>", "of the step").choices(["f32", "mixed"]).default("f32"))
    .option(...seconds)
    .action((options: Options) => run(options));
}

async function run(options: Options): Promise<void> {
  const { precision, size } = options;
  const models = namedModels(size, options.pattern);
  await report(options, async (gpu, pytorch) => {
    noteMatrices(gpu, [precision]);
    const { software } = gpu.info;
    const batch = { sequences: options.batch ?? (software ? 1 : 64), length: options.length ?? (software ? 32 : 1024) };
    const how = rounds(gpu, options);
    const ceilings = await measureCeilings(gpu);
    const products: ProductRate[] = [];
    for (const rates of pytorch ? [ceilings.f32, ceilings.mixed] : []) {
      const sizes = rates.map(({ size }) => size);
      if (sizes.length > 0) products.push(...(await productRates(gpu, pytorch!, sizes, rates[0].precision, how)));
    }
    const roof = roofOf(ceilings, precision);
    const steps = [];
    for (const model of models) {
      const contender = await TrainContender.open(gpu, { ...model, batch, precision, recompute: options.recompute });
      const { bytes } = contender;
      steps.push({
        model: model.name,
        pattern: model.config.pattern,
        ...batch,
        precision,
        bytes,
        kernels: kernelRates(await contender.profile(), roof),
      });
      contender.destroy();
    }
    const texts = steps.map(
      ({ model, pattern, sequences, length, kernels, bytes }) =>
        `one training step of ${model} (${pattern}), ${size}, ${precision}, ${sequences} × ${length} tokens\n${kernelTable(kernels, roof)}\n${memoryText(bytes)}`,
    );
    return {
      values: { bench: "ops", size, ceilings, ...(pytorch && { products }), steps },
      text: [ceilingText(ceilings), ...(products.length ? [productTable(products)] : []), ...texts].join("\n\n"),
    };
  });
}
