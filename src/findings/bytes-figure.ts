/** The two figures of the bytes finding: losses a byte, and leads over the Transformer. */

import * as Plot from "@observablehq/plot";
import { valuesOf } from "./by-seed.js";
import { lead, type SettingRuns } from "./bytes-settings.js";
import { signed } from "./finding.js";
import { type FourArchitecture, fourArchitectures } from "./models.js";
import { type Interval, interval95 } from "./stats.js";
import { architectureColor, architectureStyle, architectureSymbol, ink, plotDefaults, surface } from "./theme.js";

interface Point extends Interval {
  setting: string;
  architecture: string;
}

/** By file name; none where no setting has runs. */
export function bytesFigures(
  settings: readonly SettingRuns[],
  document: Document,
): Record<string, SVGSVGElement | HTMLElement> {
  if (settings.length === 0) return {};
  const points = (keys: readonly FourArchitecture[], of: (setting: SettingRuns, key: FourArchitecture) => Interval) =>
    settings.flatMap((setting) =>
      keys.map(
        (key): Point => ({ ...of(setting, key), setting: setting.name, architecture: architectureStyle(key).label }),
      ),
    );
  const losses = dotPlot(
    points(fourArchitectures, ({ losses }, key) => interval95([...valuesOf(losses, key).values()])),
    {
      title: "Loss a byte with a tokenizer and without",
      caption:
        "Mean over seeds with its 95 % interval, unseen where the symbol is wider; lower is better. Equal FLOPs leave the vocabulary's products aside. Bytes are scored on the first part of the text that BPE tokens are scored on.",
      x: "validation loss (nats a byte) →",
      value: (loss) => loss.toFixed(3),
    },
    document,
  );
  const leads = dotPlot(
    points(["mamba", "inter", "intra"], lead),
    {
      title: "The lead over the Transformer with a tokenizer and without",
      caption:
        "Loss less that of the Transformer in the same setting, mean over seeds with its 95 % interval, paired by seed; left of zero is better than the Transformer.",
      x: "loss − loss of the Transformer (nats a byte) →",
      value: (difference) => signed(difference),
      zero: true,
    },
    document,
  );
  return { bytes: losses, "bytes-lead": leads };
}

interface Options {
  title: string;
  caption: string;
  /** The label of the horizontal axis. */
  x: string;
  /** How a mean is written at its point. */
  value: (mean: number) => string;
  /** Whether zero is marked. */
  zero?: boolean;
}

/** One row an architecture, one band a setting. */
function dotPlot(points: readonly Point[], { title, caption, x, value, zero }: Options, document: Document) {
  const names = [...new Set(points.map(({ architecture }) => architecture))];
  const keys = fourArchitectures.filter((key) => names.includes(architectureStyle(key).label));
  const settings = [...new Set(points.map(({ setting }) => setting))];
  const place = { fy: "setting", y: "architecture" };
  return Plot.plot({
    ...plotDefaults,
    document,
    height: 90 + settings.length * (31 * names.length + 20),
    marginLeft: 96,
    marginRight: 120,
    marginTop: 20,
    marginBottom: 40,
    title,
    caption,
    x: { label: x, labelAnchor: "center", labelArrow: "none", grid: true, nice: true, inset: 8 },
    y: { domain: names, label: null, tickSize: 0 },
    fy: { domain: settings, label: null, padding: 0.12 },
    color: architectureColor(keys),
    symbol: architectureSymbol(keys),
    marks: [
      Plot.frame({ stroke: ink, strokeOpacity: 0.15 }),
      ...(zero ? [Plot.ruleX([0], { stroke: ink, strokeOpacity: 0.5 })] : []),
      Plot.ruleY(
        points.filter(({ low }) => Number.isFinite(low)),
        { ...place, x1: "low", x2: "high", stroke: "architecture", strokeWidth: 2, strokeOpacity: 0.6 },
      ),
      Plot.dot(points, {
        ...place,
        x: "mean",
        r: 5,
        symbol: "architecture",
        fill: "architecture",
        stroke: surface,
      }),
      Plot.text(points, {
        ...place,
        x: "mean",
        // Above the point, where the interval cannot run through it.
        dy: -12,
        text: (point: Point) => value(point.mean),
        fill: "architecture",
        stroke: surface,
        strokeWidth: 4,
      }),
    ],
  }) as SVGSVGElement | HTMLElement;
}
