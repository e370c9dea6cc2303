"""PyTorch's side of `braid bench train --pytorch` and `braid bench ops --pytorch`.

Training steps of small Llama, Mamba-2 and inter-layer hybrid models, and square products, that are built once, kept, and timed in
bursts when told to, so that braid and PyTorch can take turns on one card. Needs PyTorch, and for Mamba layers a CUDA GPU, Triton,
einops and the source folder `mamba_ssm` of github.com/state-spaces/mamba (only its Triton kernels are used: nothing is built).

    python3 pytorch_step.py FOLDER_WITH_MAMBA_SSM [cuda|cpu]

reads one JSON object a line and answers each with one line:

    {"do": "step", "id": …, "mode": "fp32|tf32|bf16[-compile]", "pattern": …, "dModel": …, …}  -> {"peakBytes": …, "losses": [5]}
    {"do": "product", "id": …, "mode": "fp32|tf32|fp16|bf16", "size": …}                        -> {"error": relative to float64}
    {"do": "burst", "id": …, "seconds": …}                                                      -> {"repetitions": …, "seconds": …}
    {"do": "release"}                                                                           -> {}

The first line says what it runs on: {"pytorch": version, "device": name}. An answer {"failed": reason} says why there is none.
"""
import gc, importlib, json, os, sys, time, types

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # What libraries print goes to stderr.


def answer(values):
    answers.write(json.dumps(values) + "\n")
    answers.flush()


try:
    import torch, torch.nn as nn, torch.nn.functional as F
except ImportError as e:
    answer({"failed": f"this Python has no PyTorch ({e})"})
    sys.exit(1)

folder, device = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "cuda"
if device == "cuda" and not torch.cuda.is_available():
    answer({"failed": f"PyTorch {torch.__version__} finds no CUDA GPU"})
    sys.exit(1)


def chunk_scan():
    """mamba_ssm's kernel, without the __init__.py files above it, which ask for compiled extensions."""
    for name in ("mamba_ssm", "mamba_ssm.ops", "mamba_ssm.ops.triton"):
        if name not in sys.modules:
            package = types.ModuleType(name)
            package.__path__ = [os.path.join(folder, *name.split("."))]
            sys.modules[name] = package
    return importlib.import_module("mamba_ssm.ops.triton.ssd_combined").mamba_chunk_scan_combined


class RMSNorm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, 1e-5)


class Attention(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.heads, self.kv, self.hd = o["heads"], o["kvHeads"], o["headDim"]
        self.qkv = nn.Linear(o["dModel"], (self.heads + 2 * self.kv) * self.hd, bias=False)
        self.out = nn.Linear(self.heads * self.hd, o["dModel"], bias=False)
        frequencies = 1 / (o["theta"] ** (torch.arange(0, self.hd, 2).float() / self.hd))
        angle = torch.outer(torch.arange(o["length"]).float(), frequencies)
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())

    def rope(self, x):
        c, s = self.cos[: x.shape[2]], self.sin[: x.shape[2]]
        a, b = x.float().chunk(2, -1)
        return torch.cat([a * c - b * s, b * c + a * s], -1).type_as(x)

    def forward(self, x):
        B, T, _ = x.shape
        q, k, v = self.qkv(x).split([self.heads * self.hd, self.kv * self.hd, self.kv * self.hd], -1)
        q = self.rope(q.view(B, T, self.heads, self.hd).transpose(1, 2))
        k = self.rope(k.view(B, T, self.kv, self.hd).transpose(1, 2))
        v = v.view(B, T, self.kv, self.hd).transpose(1, 2)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.out(y.transpose(1, 2).reshape(B, T, -1))


class Mamba2(nn.Module):
    def __init__(self, o):
        super().__init__()
        d, self.di, self.n, self.hd = o["dModel"], o["dSsm"], o["dState"], o["ssmHeadDim"]
        self.nh, self.width = self.di // self.hd, o["conv"]
        self.scan = chunk_scan()
        self.in_proj = nn.Linear(d, 2 * self.di + 2 * self.n + self.nh, bias=False)
        self.conv_w = nn.Parameter(torch.randn(self.di + 2 * self.n, 1, self.width) * 0.2)
        self.conv_b = nn.Parameter(torch.zeros(self.di + 2 * self.n))
        self.dt_bias = nn.Parameter(torch.rand(self.nh))
        self.A_log = nn.Parameter(torch.log(torch.rand(self.nh) * 1.99 + 0.01))
        self.D = nn.Parameter(torch.ones(self.nh))
        self.norm, self.out = RMSNorm(self.di), nn.Linear(self.di, d, bias=False)

    def forward(self, x):
        B, T, _ = x.shape
        z, xbc, dt = self.in_proj(x).split([self.di, self.di + 2 * self.n, self.nh], -1)
        w, b = self.conv_w.to(xbc.dtype), self.conv_b.to(xbc.dtype)
        xbc = F.conv1d(xbc.transpose(1, 2), w, b, padding=self.width - 1, groups=self.di + 2 * self.n)[..., :T]
        v, Bm, Cm = F.silu(xbc).transpose(1, 2).split([self.di, self.n, self.n], -1)
        y = self.scan(
            v.reshape(B, T, self.nh, self.hd).contiguous(), dt.contiguous(), -torch.exp(self.A_log.float()),
            Bm.unsqueeze(2).contiguous(), Cm.unsqueeze(2).contiguous(), 128, D=self.D, dt_bias=self.dt_bias, dt_softplus=True)
        return self.out(self.norm(y.reshape(B, T, -1) * F.silu(z)))


class FFN(nn.Module):
    def __init__(self, d, f):
        super().__init__()
        self.up, self.out = nn.Linear(d, 2 * f, bias=False), nn.Linear(f, d, bias=False)

    def forward(self, x):
        a, b = self.up(x).chunk(2, -1)
        return self.out(F.silu(a) * b)


class Layer(nn.Module):
    def __init__(self, o, mixer):
        super().__init__()
        d = o["dModel"]
        self.n1, self.n2, self.mixer, self.ffn = RMSNorm(d), RMSNorm(d), mixer, FFN(d, o["dFfn"])

    def forward(self, x):
        x = x + self.mixer(self.n1(x))
        return x + self.ffn(self.n2(x))


class LM(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.emb = nn.Embedding(o["vocabSize"], o["dModel"])
        nn.init.normal_(self.emb.weight, std=0.02)
        self.layers = nn.ModuleList(Layer(o, Attention(o) if c == "T" else Mamba2(o)) for c in o["pattern"])
        self.norm = RMSNorm(o["dModel"])

    def forward(self, x, y):
        h = self.emb(x)
        for layer in self.layers:
            h = layer(h)
        return F.cross_entropy((self.norm(h) @ self.emb.weight.T).float().flatten(0, 1), y.flatten())


def synchronize():
    if device == "cuda":
        torch.cuda.synchronize()


def set_mode(mode):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = "tf32" in mode


def step(o):
    """Builds a model, its optimizer and a batch; the work is one whole training step."""
    torch.manual_seed(0)
    mode = o["mode"]
    before = torch.cuda.memory_allocated() if device == "cuda" else 0
    m = LM(o).to(device)
    opt = torch.optim.AdamW(m.parameters(), lr=6e-4, fused=True)
    # Of a quarter of the vocabulary, so that there is something to learn: the loss has to fall.
    x, y = (torch.randint(0, o["vocabSize"] // 4 or 1, (o["sequences"], o["length"]), device=device) for _ in range(2))
    f = torch.compile(m) if "compile" in mode else m

    def work():
        with torch.autocast(device, torch.bfloat16, enabled="bf16" in mode):
            loss = f(x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
        opt.step()
        opt.zero_grad(set_to_none=True)
        return loss

    losses = [work().item() for _ in range(5)]
    peak = None
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        work()
        synchronize()
        peak = torch.cuda.max_memory_allocated() - before
    return work, {"peakBytes": peak, "losses": losses, "parameters": sum(p.numel() for p in m.parameters())}


def product(o):
    torch.manual_seed(0)
    kind = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(o["mode"], torch.float32)
    a, b = (torch.randint(-64, 64, (o["size"], o["size"]), device=device).div(64).to(kind) for _ in range(2))
    r = torch.randint(-64, 64, (o["size"],), device=device).double() / 64
    exact = a.double() @ (b.double() @ r)
    error = ((a @ b).double() @ r - exact).abs().max() / exact.square().mean().sqrt()
    return lambda: torch.matmul(a, b), {"error": error.item()}


def burst(work, seconds):
    """As braid's own bursts: one repetition first, then a quarter of a second of work before each wait."""
    start = time.perf_counter()
    work()
    synchronize()
    pace, repetitions, elapsed, start = time.perf_counter() - start, 0, 0.0, time.perf_counter()
    while repetitions == 0 or elapsed < seconds:
        queued = max(1, min(2048, int(min(0.25, seconds - elapsed) / pace)))
        for _ in range(queued):
            work()
        synchronize()
        repetitions += queued
        elapsed = time.perf_counter() - start
        pace = elapsed / repetitions
    return {"repetitions": repetitions, "seconds": elapsed}


ready = {}


def handle(o):
    if o["do"] == "release":
        ready.clear()
        torch._dynamo.reset()
        gc.collect()
        if device == "cuda":
            torch.cuda.empty_cache()
        return {}
    if o["do"] == "burst":
        mode, work = ready[o["id"]]
        set_mode(mode)
        return burst(work, o["seconds"])
    set_mode(o["mode"])
    work, facts = {"step": step, "product": product}[o["do"]](o)
    ready[o["id"]] = o["mode"], work
    return facts


answer({"pytorch": torch.__version__, "device": torch.cuda.get_device_name() if device == "cuda" else "the processor"})
for line in sys.stdin:
    try:
        answer(handle(json.loads(line)))
    except Exception as e:
        answer({"failed": f"{type(e).__name__}: {e}".splitlines()[0][:300]})
