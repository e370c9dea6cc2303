// dlogits of a row from dweight of its chosen experts; the choice itself has no gradient. With g = dweight · scale and scores s:
// ds = g, or normalised by S = Σ s, ds = (g - Σ g s / S) / S; then dlogit = ds · s' for the chosen, and under SOFTMAX
// dlogit_e = s_e · (ds_e - Σ ds s) for all. Constants: those of moe/scores, ACCUMULATE.
@group(0) @binding(2) var<storage, read> choice: array<u32>;
@group(0) @binding(3) var<storage, read> dweight: array<f32>;
@group(0) @binding(4) var<storage, read_write> dlogits: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = (group.y * groups.x + group.x) * 64u + local;
  if (row >= p.rows) { return; }
  var peak = vec2f();
  if (SOFTMAX || CHOSEN) { peak = peak_of(row); }
  var chosen: array<u32, TOP_K>;
  var scores: array<f32, TOP_K>;
  var slopes: array<f32, TOP_K>;
  var sum = 0.0;
  var along = 0.0;
  for (var k = 0u; k < TOP_K; k++) {
    chosen[k] = choice[row * TOP_K + k];
    let s = score(logits[row * EXPERTS + chosen[k]], peak);
    scores[k] = s;
    slopes[k] = dweight[row * TOP_K + k] * p.scale;
    sum += s;
    along += slopes[k] * s;
  }
  if (NORMALISE) {
    let total = divisor(sum);
    for (var k = 0u; k < TOP_K; k++) { slopes[k] = (slopes[k] - along / total) / total; }
  }
  var inner = 0.0;
  for (var k = 0u; k < TOP_K; k++) {
    let s = scores[k];
    inner += slopes[k] * s;
    slopes[k] *= select(s * (1.0 - s), s, SOFTMAX || CHOSEN);
  }
  for (var e = 0u; e < EXPERTS; e++) {
    var d = 0.0;
    if (SOFTMAX) { d = -score(logits[row * EXPERTS + e], peak) * inner; }
    for (var k = 0u; k < TOP_K; k++) { d += select(0.0, slopes[k], chosen[k] == e); }
    let at = row * EXPERTS + e;
    if (ACCUMULATE) { dlogits[at] += d; } else { dlogits[at] = d; }
  }
}
