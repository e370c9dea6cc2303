/**
 * What training computes twice rather than keep from the forward pass to the backward pass, with the same bits either way:
 * nothing; what cheap operations give (norms, activations, convolutions, states of chunks); or everything inside a block, of
 * which only the stream that enters it is kept.
 */
export const recomputeLevels = ["none", "light", "layer"] as const;
export type Recompute = (typeof recomputeLevels)[number];
