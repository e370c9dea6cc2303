// Dynamic loss scaling (Micikevicius et al. 2018, arXiv:1710.03740), after each step: a gradient norm that is not finite halves the scale
// of the next step's loss, and INTERVAL steps in a row that are finite double it. state = [scale, finite steps since it last changed,
// steps skipped].
@group(0) @binding(1) var<storage, read> norm: array<f32>;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;

@compute @workgroup_size(1)
fn main() {
  // By its bits: a compiler may take it that floats are finite.
  if ((bitcast<u32>(norm[0]) & 0x7f800000u) == 0x7f800000u) {
    state[0] *= 0.5;
    state[1] = 0.0;
    state[2] += 1.0;
    return;
  }
  state[1] += 1.0;
  if (state[1] >= INTERVAL) {
    state[0] = min(2.0 * state[0], LARGEST);
    state[1] = 0.0;
  }
}
