/**
 * What training computes twice rather than keep from the forward pass to the backward pass, with the same bits either way:
 * nothing; what takes the least time for the memory it gives back (convolutions, activations, gated norms, copies: an H100 gave back
 * 740 to 920 MB for a millisecond, of a scan's states half as much); or everything inside a block, of which only the stream that enters it is kept.
 */
export const recomputeLevels = ["none", "light", "layer"] as const;
export type Recompute = (typeof recomputeLevels)[number];
