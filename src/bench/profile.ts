import type { Gpu } from "../gpu/gpu.js";
import { Profile, type ProfileRow } from "../gpu/profile.js";
import { median } from "./timing.js";

/**
 * Runs a recorded step a few times with a timestamp around every dispatch. @returns median times by label, the longest first
 * @throws Error when the adapter has no timestamps
 */
export async function profileStep(gpu: Gpu, submit: (profile: Profile) => void, repeats = 3): Promise<ProfileRow[]> {
  const runs: Map<string, ProfileRow>[] = [];
  for (let i = 0; i < repeats; i++) {
    const profile = new Profile(gpu);
    submit(profile);
    runs.push(new Map((await profile.rows()).map((row) => [row.label, row])));
  }
  return [...runs[0].values()]
    .map((row) => ({ ...row, milliseconds: median(runs.map((run) => run.get(row.label)!.milliseconds)) }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}
