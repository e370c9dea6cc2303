// choice[row] = the TOP_K experts of the largest scores, largest first; weight[row] = their scores. A `bias` an expert, where there is
// one, has a say in the choice alone (Wang et al. 2024, arXiv:2408.15664). Of equals the lower index is first.
// An invocation takes a row. src/ops/moe-route.ts gives `bias` and `note`, which keeps the mean entropy's share of a workgroup.
// Constants: those of moe/scores, BIASED, ENTROPY.
@group(0) @binding(2) var<storage, read_write> choice: array<u32>;
@group(0) @binding(3) var<storage, read_write> weight: array<f32>;

// Without a bias the logits have the order of the scores, and are not rounded to equals.
fn rank(logit: f32, e: u32, peak: vec2f) -> f32 {
  if (!BIASED) { return logit; }
  return select(score(logit, peak), logit, CHOSEN) + bias(e);
}

// The entropy of a row's scores divided by their sum, in nats.
fn entropy(row: u32, peak: vec2f) -> f32 {
  var sum = 0.0;
  var along = 0.0;
  for (var e = 0u; e < EXPERTS; e++) {
    let logit = logits[row * EXPERTS + e];
    if (SOFTMAX || CHOSEN) {
      let below = logit - peak.x;
      sum += exp(below);
      along += exp(below) * below;
    } else {
      let s = sigmoid(logit);
      sum += s;
      along += s * (min(logit, 0.0) - log(1.0 + exp(-abs(logit))));
    }
  }
  sum = max(sum, 1e-30);
  return log(sum) - along / sum;
}

fn choose(row: u32) -> f32 {
  var peak = vec2f();
  if (SOFTMAX || CHOSEN) { peak = peak_of(row); }
  var chosen: array<u32, TOP_K>;
  var scores: array<f32, TOP_K>;
  var sum = 0.0;
  for (var k = 0u; k < TOP_K; k++) {
    var best = EXPERTS;
    var highest = 0.0;
    for (var e = 0u; e < EXPERTS; e++) {
      var free = true;
      for (var other = 0u; other < k; other++) { free = free && chosen[other] != e; }
      let value = rank(logits[row * EXPERTS + e], e, peak);
      // Logits that are no numbers still choose experts that exist.
      if (free && (best == EXPERTS || value > highest)) {
        best = e;
        highest = value;
      }
    }
    chosen[k] = best;
    scores[k] = score(logits[row * EXPERTS + best], peak);
    sum += scores[k];
  }
  let factor = p.scale / select(1.0, divisor(sum), NORMALISE);
  for (var k = 0u; k < TOP_K; k++) {
    choice[row * TOP_K + k] = chosen[k];
    weight[row * TOP_K + k] = scores[k] * factor;
  }
  if (ENTROPY) { return entropy(row, peak); }
  return 0.0;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.y * groups.x + group.x;
  let row = index * 64u + local;
  var h = 0.0;
  if (row < p.rows) { h = choose(row); }
  note(index, local, h);
}
