// What the attention kernels for software adapters share: one invocation a query (or key), no workgroup memory and no
// barriers, which are dear there. Loops over QUADS are written out by src/ops/attention.ts. Constants: HEAD_DIM, SCALE.
const QUADS = HEAD_DIM / 4u;
const SCALE2 = SCALE * 1.4426950408889634;
alias Head = array<vec4f, QUADS>;

/** Query i sees key j <= i when i - j < window or j < sink. */
struct Params { batch: u32, length: u32, heads: u32, kv_heads: u32, window: u32, sink: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;

/** vec4s in a row of qkv. */
fn width() -> u32 { return (p.heads + 2u * p.kv_heads) * QUADS; }

/** The first key of query i's window. */
fn window_start(i: u32) -> u32 { return select(0u, i - (p.window - 1u), i >= p.window); }
