/**
 * The formulas of prose, $…$ and $$…$$, as MathML: the small part of TeX that notebooks use, without a library and its fonts.
 * A formula with anything else in it is shown as it is written.
 */
import type { TokenizerAndRendererExtension } from "marked";
import { escapeHtml } from "./html.js";

const letters: Record<string, string> = Object.fromEntries(
  "alpha α beta β gamma γ delta δ epsilon ε eta η theta θ kappa κ lambda λ mu μ nu ν pi π rho ρ sigma σ tau τ phi φ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Sigma Σ Phi Φ Psi Ψ Omega Ω ell ℓ infty ∞"
    .match(/\S+ \S+/g)!
    .map((pair) => pair.split(" ")),
);
const signs: Record<string, string> = Object.fromEntries(
  "cdot · times × le ≤ leq ≤ ge ≥ geq ≥ ne ≠ approx ≈ propto ∝ pm ± in ∈ to → odot ⊙ sum ∑ prod ∏ ldots … mid | { { } } % %"
    .match(/\S+ \S+/g)!
    .map((pair) => pair.split(" ")),
);
const spaces: Record<string, string> = { ",": "0.17em", ";": "0.28em", " ": "0.33em", quad: "1em" };
const functions = new Set(["exp", "log", "ln", "max", "min", "softmax"]);

/** For marked: `new Marked({ extensions: mathExtensions })`. */
export const mathExtensions: TokenizerAndRendererExtension[] = [
  {
    name: "math",
    level: "inline",
    start: (source) => source.indexOf("$"),
    tokenizer(source) {
      const [raw, block, inline] =
        /^\$\$((?:\\.|[^$\\`])+)\$\$|^\$(?!\s)((?:\\.|[^$\\`])+?)(?<!\s)\$(?!\d)/.exec(source) ?? [];
      return raw === undefined
        ? undefined
        : { type: "math", raw, text: (block ?? inline).trim(), block: block !== undefined };
    },
    renderer: ({ text, block }) => mathMarkup(text, block),
  },
];

/** MathML of a formula in TeX, or its text in `<code>` where it goes beyond what is known here. */
export function mathMarkup(tex: string, block = false): string {
  try {
    const formula = new Formula(tex.match(/\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S/g) ?? []);
    return `<math${block ? ' display="block"' : ""} alttext="${escapeHtml(tex)}">${formula.row()}</math>`;
  } catch {
    return `<code>${escapeHtml(tex)}</code>`;
  }
}

/** Upright, and slanted by the page's style: the letters that browsers slant by themselves are missing in many fonts. */
const letter = (text: string) => `<mi mathvariant="normal">${text}</mi>`;

class Formula {
  private at = 0;

  constructor(private readonly tokens: readonly string[]) {}

  /** All up to the end, or up to the brace that closes a group. */
  row(closing?: string): string {
    let row = "";
    while (this.tokens[this.at] !== closing) row += this.scripted();
    this.at++;
    return `<mrow>${row}</mrow>`;
  }

  private scripted(): string {
    const base = this.atom();
    const scripts: Record<string, string> = {};
    while (this.tokens[this.at] === "_" || this.tokens[this.at] === "^") {
      const kind = this.tokens[this.at++];
      if (kind in scripts) throw new Error(`two scripts ${kind}`);
      scripts[kind] = this.atom();
    }
    const { _: low, "^": high } = scripts;
    if (low && high) return `<msubsup>${base}${low}${high}</msubsup>`;
    if (low) return `<msub>${base}${low}</msub>`;
    return high ? `<msup>${base}${high}</msup>` : base;
  }

  private atom(): string {
    const token = this.tokens[this.at++];
    if (token === undefined || "}_^&#".includes(token)) throw new Error(`unexpected ${token}`);
    if (token === "{") return this.row("}");
    if (token.startsWith("\\")) return this.command(token.slice(1));
    if (/^\d/.test(token)) return `<mn>${token}</mn>`;
    if (/^\p{L}$/u.test(token)) return letter(token);
    return `<mo>${escapeHtml(token === "-" ? "−" : token)}</mo>`;
  }

  private command(name: string): string {
    if (letters[name]) return letter(letters[name]);
    if (signs[name]) return `<mo>${signs[name]}</mo>`;
    if (spaces[name]) return `<mspace width="${spaces[name]}"/>`;
    if (functions.has(name)) return `<mtext>${name}</mtext>`;
    if (name === "frac") return `<mfrac>${this.atom()}${this.atom()}</mfrac>`;
    if (name === "sqrt") return `<msqrt>${this.atom()}</msqrt>`;
    throw new Error(`unknown \\${name}`);
  }
}
