import type { TrainResult, TrainSpec } from "../train/types.js";

/** Where and how a run was made. None of it belongs to the run's identity. */
export interface Provenance {
  /** Commit of the code, with "+dirty" behind it when tracked files differed; "unknown" outside a checkout. */
  commit: string;
  /** The adapter in words, e.g. "nvidia ampere NVIDIA A100 (dawn)". */
  adapter: string;
  /** What the adapter says of its driver; empty when it says nothing. */
  driver: string;
  /** True for a software adapter (SwiftShader, lavapipe). */
  software: boolean;
  features: string[];
  /** Dawn toggles asked for. */
  toggles: string[];
  /** Kernel variants that ran, where the device reports them. */
  kernels: string[];
  /** Version of the `webgpu` package, which carries Dawn. */
  dawn: string;
  node: string;
  platform: string;
  /** ISO 8601, UTC, when the run ended. */
  date: string;
  /** Seconds from start to end, compilation and validation included. */
  wallSeconds: number;
  /** Runs that shared the adapter when this one ended, itself included; 1 where it is absent. */
  sideBySide?: number;
}

/** A run to be made: one cell of a finding's grid. */
export interface PlannedRun {
  finding: string;
  /** The compared variant, e.g. "1:5"; runs that differ in the seed alone share it. */
  label: string;
  spec: TrainSpec;
}

/** A finished run, as stored. */
export interface RunRecord extends PlannedRun {
  id: string;
  numericsVersion: number;
  result: TrainResult;
  provenance: Provenance;
}
