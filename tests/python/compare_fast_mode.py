"""The logits of `orrery model logits --mode fast` against a forward pass written here in PyTorch.

Writes small random checkpoints as the transformers library lays them out, one GPT-2, one Llama with
shared key-value heads. Exit 77 (skipped) where PyTorch is missing.

Tolerance. A float32 product of length K has a relative error of about sqrt(K) u, u = 2^-24, with
independent roundings (Higham and Mary, "A new approach to probabilistic rounding error analysis",
2019: below 4 sqrt(K) u with probability 1 - 2 exp(-8) each). The errors of all products that lead
to a logit add up in the residual stream, whose relative error is hence about 4 u sqrt(sum of K). A
logit is a product of the normalised row h and a row w of the head: it may be off by that times
|h| |w| / sqrt(width), for the error of h lies in no particular direction. The reference is computed
in float64, so its own error does not count.
"""

import json
import math
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

try:
    import torch
except ImportError as missing:
    print(f"skipped: {missing} (install python3-torch)")
    sys.exit(77)

COMMAND = pathlib.Path(os.environ["ORRERY_BUILD"]) / "harness" / "cli" / "orrery"
DIM, HEADS, KV_HEADS, LAYERS, VOCAB, CONTEXT = 64, 4, 2, 3, 301, 40
HIDDEN = {"gpt2": 4 * DIM, "llama": 120}
EPSILON = 1e-5


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = tensor.contiguous().to(torch.float32).numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def gpt2(random):
    t = {"wte.weight": random(VOCAB, DIM), "wpe.weight": random(CONTEXT, DIM),
         "ln_f.weight": 1 + random(DIM), "ln_f.bias": random(DIM)}
    for i in range(LAYERS):
        for norm in ("ln_1", "ln_2"):
            t[f"h.{i}.{norm}.weight"] = 1 + random(DIM)
            t[f"h.{i}.{norm}.bias"] = random(DIM)
        for name, rows, cols in (("attn.c_attn", DIM, 3 * DIM), ("attn.c_proj", DIM, DIM),
                                 ("mlp.c_fc", DIM, 4 * DIM), ("mlp.c_proj", 4 * DIM, DIM)):
            t[f"h.{i}.{name}.weight"] = random(rows, cols)  # stored as inputs x outputs
            t[f"h.{i}.{name}.bias"] = random(cols)
    config = {"model_type": "gpt2", "n_embd": DIM, "n_layer": LAYERS, "n_head": HEADS,
              "n_positions": CONTEXT, "vocab_size": VOCAB, "activation_function": "gelu_new",
              "layer_norm_epsilon": EPSILON}
    return config, t


def llama(random):
    head = DIM // HEADS
    t = {"model.embed_tokens.weight": random(VOCAB, DIM), "model.norm.weight": 1 + random(DIM),
         "lm_head.weight": random(VOCAB, DIM)}
    for i in range(LAYERS):
        at = f"model.layers.{i}."
        t[at + "input_layernorm.weight"] = 1 + random(DIM)
        t[at + "post_attention_layernorm.weight"] = 1 + random(DIM)
        for name, rows, cols in (("self_attn.q_proj", DIM, DIM),
                                 ("self_attn.k_proj", KV_HEADS * head, DIM),
                                 ("self_attn.v_proj", KV_HEADS * head, DIM),
                                 ("self_attn.o_proj", DIM, DIM),
                                 ("mlp.gate_proj", HIDDEN["llama"], DIM),
                                 ("mlp.up_proj", HIDDEN["llama"], DIM),
                                 ("mlp.down_proj", DIM, HIDDEN["llama"])):
            t[at + name + ".weight"] = random(rows, cols)
    config = {"model_type": "llama", "hidden_size": DIM, "intermediate_size": HIDDEN["llama"],
              "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
              "num_key_value_heads": KV_HEADS, "vocab_size": VOCAB,
              "max_position_embeddings": CONTEXT, "rms_norm_eps": EPSILON, "rope_theta": 10000.0,
              "hidden_act": "silu", "tie_word_embeddings": False}
    return config, t


def attention(q, k, v):  # heads x positions x width
    scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
    mask = torch.triu(torch.ones(scores.shape[1:], dtype=torch.bool), 1)
    mixed = scores.masked_fill(mask, -math.inf).softmax(-1) @ v
    return mixed.transpose(0, 1).reshape(q.shape[1], -1)


def heads(x, count):
    return x.reshape(x.shape[0], count, -1).transpose(0, 1)


def gpt2_hidden(t, tokens):
    def norm(x, at):
        return torch.nn.functional.layer_norm(x, (DIM,), t[at + ".weight"], t[at + ".bias"],
                                              EPSILON)

    def linear(x, at):
        return x @ t[at + ".weight"] + t[at + ".bias"]
    x = t["wte.weight"][tokens] + t["wpe.weight"][:len(tokens)]
    for i in range(LAYERS):
        at = f"h.{i}."
        q, k, v = linear(norm(x, at + "ln_1"), at + "attn.c_attn").split(DIM, 1)
        x = x + linear(attention(*(heads(part, HEADS) for part in (q, k, v))), at + "attn.c_proj")
        u = linear(norm(x, at + "ln_2"), at + "mlp.c_fc")
        act = 0.5 * u * (1 + torch.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u ** 3)))
        x = x + linear(act, at + "mlp.c_proj")
    return norm(x, "ln_f"), t["wte.weight"]


def llama_hidden(t, tokens):
    def norm(x, name):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + EPSILON) * t[name]

    def turn(x):  # complex numbers whose real parts are the first half of a head
        half = x.shape[-1] // 2
        rate = 10000.0 ** (-torch.arange(half, dtype=x.dtype) / half)
        angle = torch.arange(x.shape[1], dtype=x.dtype)[:, None] * rate
        z = torch.complex(x[..., :half].contiguous(), x[..., half:].contiguous())
        z = z * torch.polar(torch.ones_like(angle), angle)
        return torch.cat((z.real, z.imag), -1)
    x = t["model.embed_tokens.weight"][tokens]
    for i in range(LAYERS):
        at = f"model.layers.{i}."
        y = norm(x, at + "input_layernorm.weight")
        q, k, v = (heads(y @ t[f"{at}self_attn.{n}_proj.weight"].T, count)
                   for n, count in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)))
        k, v = (x.repeat_interleave(HEADS // KV_HEADS, 0) for x in (k, v))
        x = x + attention(turn(q), turn(k), v) @ t[at + "self_attn.o_proj.weight"].T
        y = norm(x, at + "post_attention_layernorm.weight")
        gate = torch.nn.functional.silu(y @ t[at + "mlp.gate_proj.weight"].T)
        x = x + (gate * (y @ t[at + "mlp.up_proj.weight"].T)) @ t[at + "mlp.down_proj.weight"].T
    return norm(x, "model.norm.weight"), t["lm_head.weight"]


def check(name, make, forward, seed):
    generator = torch.Generator().manual_seed(seed)
    config, tensors = make(lambda *shape: 0.1 * torch.randn(*shape, generator=generator))
    tokens = torch.randint(VOCAB, (CONTEXT - 3,), generator=generator)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "config.json").write_text(json.dumps(config))
        write_safetensors(folder / "model.safetensors", tensors)
        out = subprocess.run(
            [COMMAND, "model", "logits", folder, "--mode", "fast", "--json", "--tokens",
             ",".join(str(int(t)) for t in tokens)], stdout=subprocess.PIPE, text=True, check=True)
    ours = torch.tensor(json.loads(out.stdout)["logits"], dtype=torch.float64)
    h, w = forward({key: value.double() for key, value in tensors.items()}, tokens)
    theirs = h @ w.T
    lengths = LAYERS * (DIM + DIM // HEADS + len(tokens) + DIM + DIM + HIDDEN[name]) + DIM
    scale = h.norm(dim=1)[:, None] * w.norm(dim=1)[None, :] / math.sqrt(DIM)
    share = ((ours - theirs).abs() / (4 * 2.0 ** -24 * math.sqrt(lengths) * scale)).max().item()
    print(f"{name} seed {seed}: {ours.numel()} logits up to {theirs.abs().max():.2f}, "
          f"largest error {(ours - theirs).abs().max():.1e}, {share:.2f} of the tolerance")
    return ours.shape == theirs.shape and share <= 1


if __name__ == "__main__":
    families = (("gpt2", gpt2, gpt2_hidden), ("llama", llama, llama_hidden))
    good = [check(*family, seed) for seed in range(4) for family in families]
    sys.exit(0 if all(good) else 1)
