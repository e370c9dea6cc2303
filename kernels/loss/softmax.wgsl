// For each row of a chunk of logits [rows, UNITS V's]: losses[row0 + row] = log Σ exp(logits) - logits[answer], 0 where the
// target is not scored; and with GRADIENT the logits become their own gradient, (softmax - onehot) / n (times the loss scale). LANES (a power
// of 4) invocations share a row, SLOTS rows share a workgroup; a row is read twice, the second time from the cache.
// V and its functions come from src/ops/vector.ts, note_hit (of rows whose target has the largest logit) from src/ops/cross-entropy.ts.
// Constants: UNITS, LANES, SLOTS, GRADIENT.
struct Params { rows: u32, row0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> logits: array<V>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read> scored: array<f32>;
@group(0) @binding(4) var<storage, read_write> losses: array<f32>;

const LOWEST = -1e30f;
// (the largest logit, Σ exp(logit - largest)) of what an invocation has seen.
var<workgroup> found: array<vec2f, LANES * SLOTS>;

fn joined(a: vec2f, b: vec2f) -> vec2f {
  let most = max(a.x, b.x);
  return vec2f(most, a.y * exp(a.x - most) + b.y * exp(b.x - most));
}

@compute @workgroup_size(LANES * SLOTS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let lane = local % LANES;
  let row = (group.y * groups.x + group.x) * SLOTS + local / LANES;
  let inside = row < p.rows;
  var answer = 0xffffffffu;
  if (inside) { answer = targets[p.row0 + row]; }
  let counts = answer != 0xffffffffu;
  // Largest and sum in one pass; and the answer's logit, by the invocation that meets it.
  var mine = vec2f(LOWEST, 0.0);
  var chosen = 0.0;
  if (counts) {
    for (var j = lane; j < UNITS; j += LANES) {
      let value = logits[row * UNITS + j];
      let most = max(mine.x, largest(value));
      mine = vec2f(most, mine.y * exp(mine.x - most) + total(exp(value - V(most))));
      if (j == place(answer)) { chosen = total(value * hot(j, answer)); }
    }
  }
  var all = mine;
  if (LANES > 1u) {
    found[local] = mine;
    for (var width = LANES / 4u; width > 0u; width /= 4u) {
      workgroupBarrier();
      if (lane < width) {
        found[local] = joined(
          joined(found[local], found[local + width]),
          joined(found[local + 2u * width], found[local + 3u * width]));
      }
    }
    workgroupBarrier();
    all = found[local - lane];
  }
  if (!inside) { return; }
  if (!counts) {
    if (lane == 0u) {
      losses[p.row0 + row] = 0.0;
      note_hit(p.row0 + row, false);
    }
  } else if (lane == place(answer) % LANES) {
    losses[p.row0 + row] = all.x + log(all.y) - chosen;
    note_hit(p.row0 + row, chosen >= all.x);
  }
  if (GRADIENT) {
    if (!counts) {
      for (var j = lane; j < UNITS; j += LANES) { logits[row * UNITS + j] = V(); }
      return;
    }
    let scale = scored[2] / all.y;
    for (var j = lane; j < UNITS; j += LANES) {
      let value = logits[row * UNITS + j];
      logits[row * UNITS + j] = exp(value - V(all.x)) * scale - hot(j, answer) * scored[2];
    }
  }
}
