// log(1 + e) as 2 artanh(e / (2 + e)): full relative precision for the smallest dt, too.
fn softplus(x: f32) -> f32 {
  let e = exp(-abs(x));
  let z = e / (2.0 + e);
  let z2 = z * z;
  let series = 1.0 + z2 * (1.0 / 3.0 + z2 * (0.2 + z2 * (1.0 / 7.0 + z2 * (1.0 / 9.0 + z2 * (1.0 / 11.0 + z2 / 13.0)))));
  return max(x, 0.0) + 2.0 * z * series;
}
