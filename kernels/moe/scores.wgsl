// A router's scores of row `row` of logits [rows, EXPERTS]: sigmoid(logit), or SOFTMAX over all experts, or over the CHOSEN
// ones alone: then the score is exp(logit - peak) until it is normalised. src/ops/moe-route.ts gives `sigmoid`.
// Constants: EXPERTS, TOP_K, SOFTMAX, CHOSEN (one of the two at most), NORMALISE (the chosen scores sum to 1; set for CHOSEN).
struct Params { rows: u32, scale: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;

// The largest logit of a row and Σ exp(logit - largest).
fn peak_of(row: u32) -> vec2f {
  var peak = logits[row * EXPERTS];
  for (var e = 1u; e < EXPERTS; e++) { peak = max(peak, logits[row * EXPERTS + e]); }
  var sum = 0.0;
  for (var e = 0u; e < EXPERTS; e++) { sum += exp(logits[row * EXPERTS + e] - peak); }
  return vec2f(peak, sum);
}

fn score(logit: f32, peak: vec2f) -> f32 {
  if (SOFTMAX) { return exp(logit - peak.x) / peak.y; }
  if (CHOSEN) { return exp(logit - peak.x); }
  return sigmoid(logit);
}

// What the chosen scores are divided by: their sum, and a little where sigmoids may all be zero.
fn divisor(sum: f32) -> f32 { return sum + select(1e-20, 0.0, CHOSEN); }
