/**
 * Part of every run's identity. Bump it when a change to kernels, initialisation, batching or the optimiser moves
 * losses outside the tolerance that the golden tests state: recorded runs of an older version then count as missing
 * instead of being silently compared with new ones.
 */
export const numericsVersion = 1;
