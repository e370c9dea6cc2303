/** @throws Error in one sentence when this Node cannot run the notebooks' kernel */
export function requireNotebookNode(): void {
  if ((process.features as { require_module?: boolean }).require_module) return;
  // tslab compiles imports to require(), and this package is of ES modules.
  throw new Error(
    `notebooks need a Node whose require() loads ES modules (20.19, 22.12 or newer); this is ${process.version}`,
  );
}
