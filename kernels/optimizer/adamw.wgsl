// One AdamW step (Loshchilov & Hutter 2019) on the parameters, four an invocation, after clipping the gradients by their global norm.
// A norm that is not finite leaves everything as it is: one bad step must not destroy the weights.
// src/ops/loss-scale.ts gives `unscaled`.
struct Params { count: u32 }
struct State {
  // 1 - lr · weight decay, lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
  keep: f32, rate: f32, correction: f32,
  eps: f32, beta2: f32, one_minus_beta1: f32, one_minus_beta2: f32,
  // The largest norm, 0 for none.
  clip: f32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> parameters: array<vec4f>;
@group(0) @binding(2) var<storage, read> gradients: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> first: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> second: array<vec4f>;
@group(0) @binding(5) var<storage, read> decay: array<u32>;
@group(0) @binding(6) var<storage, read> norm: array<f32>;
@group(0) @binding(7) var<storage, read> state: State;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  // By its bits: a compiler may take it that floats are finite.
  if (i >= p.count || (bitcast<u32>(norm[0]) & 0x7f800000u) == 0x7f800000u) { return; }
  var gradient = unscaled(gradients[i]);
  if (state.clip > 0.0) { gradient *= min(1.0, state.clip / (norm[0] + 1e-6)); }
  let m = first[i] + state.one_minus_beta1 * (gradient - first[i]);
  let v = state.beta2 * second[i] + state.one_minus_beta2 * gradient * gradient;
  first[i] = m;
  second[i] = v;
  let kept = parameters[i] * select(1.0, state.keep, decay[i / 16u] != 0u);
  parameters[i] = kept - state.rate * m / (sqrt(v) * state.correction + state.eps);
}
