/** What the paper has to say on tokens, the only kind of text it trains on: Table 2, 1B models, equal data. */

import { type Row, signed } from "./finding.js";
import type { FourArchitecture } from "./models.js";
import { paperNames } from "./paper-names.js";

/** The file in data/paper that `paperLead` reads. */
export const paperTokensTable = "table02_main_1b";

/** "+0.008": the loss of `a` less that of `b` on DCLM, nats a token. @throws Error naming the model that is not in the table */
export function paperLead(rows: readonly Row[], a: FourArchitecture, b: FourArchitecture): string {
  const loss = (key: FourArchitecture): number => {
    const row = rows.find(({ model, budget }) => model === paperNames[key] && budget === "equal_data");
    if (typeof row?.nll_dclm !== "number") {
      throw new Error(
        `data/paper/${paperTokensTable}.csv: no loss of ${paperNames[key]} at equal data (column nll_dclm)`,
      );
    }
    return row.nll_dclm;
  };
  return signed(loss(a) - loss(b));
}
