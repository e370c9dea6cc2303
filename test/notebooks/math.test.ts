import { Marked } from "marked";
import { expect, it } from "vitest";
import { mathExtensions, mathMarkup } from "../../src/workbook/math.js";

/** Without what is the same on every letter. */
const markup = (tex: string, block?: boolean) => mathMarkup(tex, block).replaceAll(' mathvariant="normal"', "");
const rendered = (prose: string) => new Marked({ extensions: mathExtensions }).parse(prose, { async: false }).trim();

it("writes letters, numbers, scripts, sums and fractions as MathML, with the source for who cannot see it", () => {
  expect(markup("x_{ts}")).toBe(
    '<math alttext="x_{ts}"><mrow><msub><mi>x</mi><mrow><mi>t</mi><mi>s</mi></mrow></msub></mrow></math>',
  );
  expect(markup("\\Delta_r^2 \\le 0.5")).toContain(
    "<msubsup><mi>Δ</mi><mi>r</mi><mn>2</mn></msubsup><mo>≤</mo><mn>0.5</mn>",
  );
  expect(markup("\\frac{a}{b} < -1")).toContain(
    "<mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac><mo>&lt;</mo><mo>−</mo><mn>1</mn>",
  );
  expect(markup("\\sum_{s<r} A_s", true)).toMatch(/^<math display="block" .*<msub><mo>∑<\/mo><mrow>/);
});

it("shows what it does not know, or what is not whole, as it is written", () => {
  for (const tex of ["\\begin{array} a", "x_", "{a", "a}", "x_1_2", "a & b"]) {
    expect(markup(tex)).toBe(`<code>${tex.replace("&", "&amp;")}</code>`);
  }
});

it("finds formulas in prose and leaves prices and code alone", () => {
  expect(rendered("so $C_t \\cdot B_s$ is")).toMatch(/^<p>so <math .*<mo>·<\/mo>.*<\/math> is<\/p>$/);
  expect(rendered("$$a_1$$")).toContain('<math display="block"');
  expect(rendered("it costs $5 or $6, `$a$`")).toBe("<p>it costs $5 or $6, <code>$a$</code></p>");
});
