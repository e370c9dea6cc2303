/** The costs finding: its verdicts. Its tables and figures are in the files beside this one. */

import { blockRatioPattern, familyPattern, preset } from "../config/presets.js";
import { type Cost, cost, PAPER_CONTEXT, PAPER_TOKENS } from "../cost/cost.js";
import { matchFlops } from "../cost/match.js";
import { blocks } from "./costs-checks.js";
import type { Verdict } from "./finding.js";

/** Those of the inter-hybrids of Table 9, most attention first. */
const ratios = ["1:1", "1:3", "1:5", "1:12"] as const;

interface Inter {
  ratio: string;
  /** Block counts, "7T+7M". */
  name: string;
  costs: Cost;
}

/** The paper's claims about costs at 1B and 8K, and what the formulas say. Nothing here is measured or random. */
export function costVerdicts(): Verdict[] {
  const llama = at1B(familyPattern("1b", "llama"));
  const mamba = at1B(familyPattern("1b", "mamba"));
  const inters = ratios.map((ratio): Inter => {
    const pattern = blockRatioPattern("1b", ratio);
    return { ratio, name: blocks(pattern), costs: at1B(pattern) };
  });
  const fewerFlops = 100 * (1 - mamba.flopsPerToken / llama.flopsPerToken);
  const smallerCache = 100 * (1 - mamba.cacheBytes / llama.cacheBytes);
  const cachesBetween = inters.every(({ costs }) => between(costs.cacheBytes, mamba.cacheBytes, llama.cacheBytes));
  const sparse = inters.slice(1);
  const interTokens = tokensForLlamaBudget(familyPattern("1b", "inter"), llama.trainFlops);
  return [
    verdict(
      "Mamba needs 18 % fewer training FLOPs than the Transformer",
      "Appendix C, Table 9: 3.7e20 against 4.5e20",
      Math.round(fewerFlops) === 18,
      `${fewerFlops.toFixed(1)} % fewer: ${billion(mamba.flopsPerToken)} against ${billion(llama.flopsPerToken)} a token`,
    ),
    verdict(
      "Mamba's decoding cache is 95 % smaller",
      "Section 2, Table 9: 13 MiB against 256 MiB",
      Math.round(smallerCache) === 95,
      `${smallerCache.toFixed(1)} % smaller: ${mib(mamba.cacheBytes)} against ${mib(llama.cacheBytes)}`,
    ),
    verdict(
      "The caches of inter-hybrids lie between",
      "Table 9: 119, 58, 43 and 28 MiB",
      cachesBetween,
      inters.map(({ name, costs }) => `${name} ${mib(costs.cacheBytes)}`).join(", "),
    ),
    verdict(
      "Inter-hybrids with few attention blocks train at the FLOPs of Mamba",
      "Table 9: 3.6, 3.7 and 3.7e20 for 1:3, 1:5 and 1:12; Mamba 3.7e20",
      sparse.every(({ costs }) => Math.abs(excess(costs, mamba)) < 1),
      `against Mamba ${inters.map(({ name, costs }) => `${name} ${signed(excess(costs, mamba))} %`).join(", ")}: ${whoLiesBetween(inters, mamba, llama)}`,
    ),
    verdict(
      "The Transformer's FLOPs train the 1:5 inter-hybrid on 73 billion tokens instead of 60",
      "Table 9",
      Math.round(interTokens / 1e9) === 73,
      `${(interTokens / 1e9).toFixed(1)} billion tokens`,
    ),
  ];
}

function verdict(claim: string, paper: string, holds: boolean, evidence: string): Verdict {
  return { claim, paper, outcome: holds ? "reproduced" : "contradicted", evidence, parts: [] };
}

/** "only 1:1 lies between, the others are below because they have fewer weights": the training FLOPs of a token. */
function whoLiesBetween(inters: readonly Inter[], mamba: Cost, llama: Cost): string {
  const inside = ({ costs }: Inter) => between(costs.flopsPerToken, mamba.flopsPerToken, llama.flopsPerToken);
  const lying = inters.filter(inside).map(({ ratio }) => ratio);
  const others = inters.filter((inter) => !inside(inter));
  const told =
    lying.length === 1 ? `only ${lying[0]} lies between` : `${lying.join(", ") || "none of them"} lie between`;
  if (others.length === 0 || others.some(({ costs }) => costs.flopsPerToken > mamba.flopsPerToken)) return told;
  const lighter = others.every(({ costs }) => costs.params.nonEmbedding < mamba.params.nonEmbedding);
  return `${told}, the others are below${lighter ? " because they have fewer weights" : ""}`;
}

function at1B(pattern: string): Cost {
  return cost(preset("1b", { pattern }), { context: PAPER_CONTEXT, tokens: PAPER_TOKENS });
}

function tokensForLlamaBudget(pattern: string, flops: number): number {
  return matchFlops(preset("1b", { pattern }), flops, PAPER_CONTEXT);
}

function between(value: number, low: number, high: number): boolean {
  return low < value && value < high;
}

/** How much more a token costs than with the other model, in percent. */
function excess(costs: Cost, other: Cost): number {
  return 100 * (costs.flopsPerToken / other.flopsPerToken - 1);
}

function signed(percent: number): string {
  return `${percent < 0 ? "−" : "+"}${Math.abs(percent).toFixed(1)}`;
}

function billion(flops: number): string {
  return `${(flops / 1e9).toFixed(2)}e9`;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
