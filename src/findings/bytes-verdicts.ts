/** Three claims about models without a tokenizer, two from Gu's essay and one that carries the paper's main finding over to bytes. */

import { paperLead } from "./bytes-paper.js";
import { type LeadChange, lead, leadChanges, type SettingRuns, trainFlops } from "./bytes-settings.js";
import { judge, part, type UnjudgedClaim } from "./claims.js";
import { inWords, type Row, type Verdict } from "./finding.js";
import type { FourArchitecture } from "./models.js";
import { architectureStyle } from "./theme.js";

const label = (key: FourArchitecture) => architectureStyle(key).label;

const essay = "Not the paper's question; Gu, On the Tradeoffs of SSMs and Transformers (2025)";

/**
 * The claims whose settings have runs; none without runs on bytes.
 * @param paper rows of `paperTokensTable`
 * @throws Error when runs or seeds are missing
 */
export function bytesVerdicts(settings: readonly SettingRuns[], paper: readonly Row[]): Verdict[] {
  const bytes = settings.find(({ study }) => study === "bytes");
  if (!bytes) return [];
  const changes = leadChanges(settings, "mamba");
  return [
    mambaLeads(bytes),
    leadGrows(changes, paper),
    hybridsBeatBothParents(
      bytes,
      settings.filter((setting) => setting !== bytes),
      paper,
    ),
  ].flatMap(judge);
}

function mambaLeads(bytes: SettingRuns): UnjudgedClaim {
  const difference = part("Mamba − Transformer, bytes", lead(bytes, "mamba"));
  const share = Math.round((100 * trainFlops(bytes, "mamba")) / trainFlops(bytes, "transformer"));
  return {
    claim: "On bytes Mamba-2 has a lower loss than a Transformer that read the same bytes.",
    paper: `${essay}: Mamba stays below a Transformer with full attention and twice its FLOPs, at equal data.`,
    evidence: () =>
      `Mamba-2 is ${inWords(difference.interval)} nats a byte against the Transformer, at ${share} % of its training FLOPs.`,
    change:
      "A Transformer that gains more than Mamba-2 from width, length of training or a context beyond 1,024 bytes.",
    parts: [difference],
  };
}

function leadGrows(changes: readonly LeadChange[], paper: readonly Row[]): UnjudgedClaim {
  const parts = changes.map(({ bpe, change }) => part(`lead of Mamba on bytes − lead on ${bpe.name}`, change));
  const told = changes.map(
    ({ bpe, onBpe, change }) => `${inWords(onBpe)} on ${bpe.name}: bytes change it by ${inWords(change)}`,
  );
  return {
    claim:
      "Mamba-2's lead over the Transformer is larger on bytes than on BPE tokens, at equal text and at equal FLOPs.",
    paper: `${essay}: on tokens of the same text the two would be about level, or the Transformer slightly ahead. On the paper's tokens (Table 2, 1B) Mamba is ${paperLead(paper, "mamba", "transformer")} nats a token against the Transformer.`,
    evidence: () => `The lead is ${inWords(changes[0].onBytes)} nats a byte on bytes; ${told.join("; ")}.`,
    change:
      "More seeds; the same validation text for bytes and tokens; a size at which the Transformer is level on tokens, from where the essay sets out.",
    parts,
  };
}

function hybridsBeatBothParents(
  bytes: SettingRuns,
  others: readonly SettingRuns[],
  paper: readonly Row[],
): UnjudgedClaim {
  const hybrids = ["inter", "intra"] as const;
  const parents = ["transformer", "mamba"] as const;
  const parts = parents.flatMap((parent) =>
    hybrids.map((hybrid) => part(`${label(hybrid)} − ${label(parent)}, bytes`, lead(bytes, hybrid, parent))),
  );
  const against = (setting: SettingRuns, parent: FourArchitecture) =>
    hybrids.map((hybrid) => `${inWords(lead(setting, hybrid, parent))} (${hybrid})`).join(" and ");
  const printed = (parent: FourArchitecture) =>
    hybrids.map((hybrid) => `${paperLead(paper, hybrid, parent)} (${hybrid})`).join(" and ");
  const elsewhere = others.map((setting) => `; on ${setting.name} ${against(setting, "mamba")}`).join("");
  return {
    claim: "On bytes, too, both 1:5 hybrids have a lower loss than the Transformer and than Mamba-2.",
    paper: `Not the paper's question, which has tokens alone; there (Table 2, 1B) ${printed("transformer")} nats a token against the Transformer, ${printed("mamba")} against Mamba.`,
    evidence: () =>
      `On bytes ${against(bytes, "transformer")} nats a byte against the Transformer; against Mamba-2 ${against(bytes, "mamba")}${elsewhere}.`,
    change:
      "A difference to Mamba-2 that more seeds tell from none, or longer contexts, which give attention more to find.",
    parts,
  };
}
