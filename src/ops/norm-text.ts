// The parts of norm/forward and norm/backward that differ from norm to norm, as WGSL.

/** What a norm does besides dividing by the root mean square. */
export interface NormForm {
  /** silu of the gate z is multiplied in before the norm, or after it; undefined: there is no gate. */
  gate?: "before" | "after";
  /** A weight for every column, one that the parts of a row share, or none. */
  weight: "columns" | "shared" | "none";
  /** Whether a constant multiplies the result. */
  scaled: boolean;
}

/** For both kernels: what is read for V number j of a row, what is normalised there, and its weight. */
export function readText({ gate, weight }: NormForm): string {
  const value = gate === "before" ? "cell.x * (cell.z * sigmoid(cell.z))" : "cell.x";
  const w = { columns: "w[j]", shared: "w[j % UNITS]", none: "V(1.0)" }[weight];
  return `struct Cell { x: V${gate ? ", z: V" : ""} }
fn load(row: u32, j: u32) -> Cell { return Cell(x[${at}]${gate ? `, z[${gateAt}]` : ""}); }
fn value(cell: Cell) -> V { return ${value}; }
fn weight(j: u32) -> V { return ${w}; }
`;
}

/** For norm/forward. */
export const finishText = (form: NormForm): string =>
  `fn finish(cell: Cell, normed: V) -> V { return normed${afterwards(form)}; }\n`;

/** For norm/backward: `store` hands the gradient dv of V number j of a row on to x, and to the gate where there is one. */
export function storeText(form: NormForm, accumulate: boolean): string {
  const assign = accumulate ? "+=" : "=";
  const slope = "(s * (V(1.0) + cell.z * (V(1.0) - s)))";
  const store = {
    none: `  dx[${at}] ${assign} dv;\n`,
    before: `  let s = sigmoid(cell.z);
  dx[${at}] ${assign} dv * (cell.z * s);
  dz[${gateAt}] = dv * cell.x * ${slope};
`,
    after: `  let s = sigmoid(cell.z);
  dx[${at}] ${assign} dv;
  dz[${gateAt}] = n * ${slope};
`,
  }[form.gate ?? "none"];
  return `fn enter(cell: Cell, dy: V) -> V { return dy${afterwards(form)}; }
fn store(row: u32, j: u32, cell: Cell, dv: V, n: V) {
${store}}
fn give(i: u32, dw: V) {${form.weight === "none" ? "" : " partial[i] = dw; "}}
`;
}

/** The constant and the gate that come after the norm; gates with a constant do not occur. */
const afterwards = ({ gate, scaled }: NormForm): string =>
  (scaled ? " * p.factor" : "") + (gate === "after" ? " * (cell.z * sigmoid(cell.z))" : "");

const at = "row * (GROUPS * UNITS) + j";
const gateAt = "row * p.z_stride + p.z0 + j";
