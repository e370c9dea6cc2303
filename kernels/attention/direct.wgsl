// What the attention kernels for software adapters share: one invocation a query (or key), no workgroup memory and no
// barriers, which are dear there. Loops over QUADS and VALUE_QUADS are written out by src/ops/attention-kernels.ts.
// Constants: HEAD_DIM (of queries and keys), VALUE_DIM, SCALE.
const QUADS = HEAD_DIM / 4u;
const VALUE_QUADS = VALUE_DIM / 4u;
const SCALE2 = SCALE * 1.4426950408889634;
alias Head = array<vec4f, QUADS>;
alias Value = array<vec4f, VALUE_QUADS>;

/** Query i sees key j <= i when i - j < window or j < sink; `capacity` is for attention/from-cache alone. */
struct Params { batch: u32, length: u32, heads: u32, kv_heads: u32, value_heads: u32, window: u32, sink: u32, capacity: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;

/** vec4s in a row of qkv. */
fn width() -> u32 { return (p.heads + p.kv_heads) * QUADS + p.value_heads * VALUE_QUADS; }
/** Where a key head begins in a row of qkv, and the value head that goes with it. */
fn key_at(kv_head: u32) -> u32 { return (p.heads + kv_head) * QUADS; }
fn value_at(kv_head: u32) -> u32 { return (p.heads + p.kv_heads) * QUADS + kv_head % p.value_heads * VALUE_QUADS; }

/** The first key of query i's window. */
fn window_start(i: u32) -> u32 { return select(0u, i - (p.window - 1u), i >= p.window); }
