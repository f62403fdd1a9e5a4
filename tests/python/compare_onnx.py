"""`orrery model run` on transformers that PyTorch exports to ONNX, against PyTorch itself.

Exit 77 (skipped) where PyTorch is missing. Tolerance: as in compare_fast_mode.py, relative to the
norm of the outputs: 4 u sqrt(sum of the lengths of all products), u = 2^-24, for each of the two.
"""

import json
import math
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import warnings

try:
    import torch
except ImportError as missing:
    print(f"skipped: {missing} (install python3-torch)")
    sys.exit(77)

COMMAND = pathlib.Path(os.environ["ORRERY_BUILD"]) / "harness" / "cli" / "orrery"
DIM, HEADS, HIDDEN, LAYERS, LENGTH, VOCAB = 48, 4, 96, 2, 20, 61


class Attention(torch.nn.Module):
    """Causal self-attention written out, as exporters see it in most models."""

    def __init__(self):
        super().__init__()
        self.qkv = torch.nn.Linear(DIM, 3 * DIM)
        self.out = torch.nn.Linear(DIM, DIM)

    def forward(self, x):
        batch, length, _ = x.shape
        q, k, v = self.qkv(x).split(DIM, dim=-1)
        q, k, v = (t.reshape(batch, length, HEADS, -1).transpose(1, 2) for t in (q, k, v))
        scores = q @ k.transpose(-2, -1) / math.sqrt(DIM // HEADS)
        mask = torch.ones(LENGTH, LENGTH).tril()[:length, :length]
        scores = torch.where(mask == 0, torch.tensor(-1e9), scores)
        mixed = scores.softmax(-1) @ v
        return self.out(mixed.transpose(1, 2).reshape(batch, length, DIM))


class Block(torch.nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.norm1, self.norm2 = torch.nn.LayerNorm(DIM), torch.nn.LayerNorm(DIM)
        self.attention = Attention()
        self.mlp = torch.nn.Sequential(torch.nn.Linear(DIM, HIDDEN), activation,
                                       torch.nn.Linear(HIDDEN, DIM))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(torch.nn.Module):
    def __init__(self, activation):
        super().__init__()
        self.embedding = torch.nn.Embedding(VOCAB, DIM)
        self.positions = torch.nn.Parameter(torch.randn(LENGTH, DIM))
        self.blocks = torch.nn.Sequential(*(Block(activation) for _ in range(LAYERS)))
        self.head = torch.nn.Linear(DIM, VOCAB)

    def forward(self, tokens):
        return self.head(self.blocks(self.embedding(tokens) + self.positions[:tokens.shape[1]]))


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def tensor_message(tokens):
    raw = struct.pack(f"<{tokens.numel()}q", *tokens.flatten().tolist())
    dims = b"".join(b"\x08" + varint(d) for d in tokens.shape)
    return dims + b"\x10\x07" + b"\x4a" + varint(len(raw)) + raw  # type 7: int64; field 9: raw


def check(name, activation, opset):
    torch.manual_seed(opset)
    model = Transformer(activation).eval()
    tokens = torch.randint(VOCAB, (2, LENGTH - 3))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model, tokens, str(folder / "model.onnx"), opset_version=opset,
                              input_names=["tokens"])
        (folder / "tokens.pb").write_bytes(tensor_message(tokens))
        run = subprocess.run([COMMAND, "model", "run", folder / "model.onnx", folder / "tokens.pb",
                              "--json", "--out", folder], stdout=subprocess.PIPE, text=True,
                             check=True)
        shape = json.loads(run.stdout)["outputs"][0]["shape"]
        raw = (folder / "output_0.pb").read_bytes()[-4 * math.prod(shape):]
    ours = torch.tensor(struct.unpack(f"<{math.prod(shape)}f", raw)).reshape(shape).double()
    theirs = model(tokens).detach().double()
    lengths = LAYERS * (3 * DIM + DIM // HEADS + LENGTH + HIDDEN) + DIM
    off = ((ours - theirs).norm() / theirs.norm()).item()
    share = off / (2 * 4 * 2.0 ** -24 * math.sqrt(lengths))
    print(f"{name}, opset {opset}: {shape} logits, relative error {off:.1e}, "
          f"{share:.2f} of the tolerance")
    return share <= 1


if __name__ == "__main__":
    good = [check(name, activation, opset) for opset in (11, 13, 16)
            for name, activation in (("GELU", torch.nn.GELU()), ("SiLU", torch.nn.SiLU()),
                                     ("ReLU", torch.nn.ReLU()))]
    sys.exit(0 if all(good) else 1)
