import { loadCodec } from "../data/codec.node.js";
import type { TokenCodec } from "../data/types.js";
import type { Gpu } from "../gpu/gpu.js";
import { loadModel } from "../model/folder.node.js";
import { Parameters } from "../model/parameters.js";

/**
 * A model folder, braid's own or of Hugging Face, on the GPU, and how its text becomes tokens.
 * @throws Error naming the file, and the key or tensor, that is missing or wrong
 */
export async function openModel(gpu: Gpu, folder: string): Promise<{ parameters: Parameters; codec: TokenCodec }> {
  const { config, values, tokenizer } = loadModel(folder);
  const codec = await loadCodec(tokenizer);
  const parameters = new Parameters(gpu, config, false);
  parameters.load(values);
  return { parameters, codec };
}
