// Gradients of the parameters of fusion/lambda: `store(i, dλ · slope)` for each element i, the slope being that of λ in the sum
// of `part(i)`. src/ops/lambda.ts gives `part`, `slope(sum)` and `store`.
struct Params { length: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> d: array<f32>;

var<workgroup> shares: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = local; i < p.length; i += 64u) { sum += part(i); }
  shares[local] = sum;
  workgroupBarrier();
  sum = 0.0;
  for (var i = 0u; i < 64u; i++) { sum += shares[i]; }
  let factor = d[0] * slope(sum);
  for (var i = local; i < p.length; i += 64u) { store(i, factor); }
}
