// λ of a differential block, from sums over the elements of its parameters. src/ops/lambda.ts gives `part(i)`: what element i adds
// to two sums, and `finish(sums)`, to which λ_init is added. One workgroup, which adds in the same order always.
struct Params { length: u32, initial: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> into: array<f32>;

var<workgroup> shares: array<vec2f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var sums = vec2f();
  for (var i = local; i < p.length; i += 64u) { sums += part(i); }
  shares[local] = sums;
  workgroupBarrier();
  if (local > 0u) { return; }
  for (var i = 1u; i < 64u; i++) { sums += shares[i]; }
  into[0] = finish(sums) + p.initial;
}
