// One token of forward.wgsl a sequence: the WIDTH - 1 inputs before it come from `state`, which moves on by one.
// Constants: WIDTH. src/ops/conv1d.ts gives `bias_of`.
struct Params { items: u32, channels: u32, columns: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> state: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= p.items) { return; }
  let c = item % p.channels;
  let b = item / p.channels;
  let first = b * (WIDTH - 1u) * p.channels + c;
  let now = x[b * p.columns + p.column + c];
  var sum = bias_of(c) + weight[c * WIDTH + WIDTH - 1u] * now;
  for (var j = 0u; j + 1u < WIDTH; j++) {
    sum += weight[c * WIDTH + j] * state[first + j * p.channels];
    // The place of input j takes input j + 1, the last one the current input.
    var next = now;
    if (j + 2u < WIDTH) { next = state[first + (j + 1u) * p.channels]; }
    state[first + j * p.channels] = next;
  }
  y[item] = sum * sigmoid(sum);
}
