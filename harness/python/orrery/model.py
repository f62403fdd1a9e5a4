"""Models: the commands `orrery model ...` and `orrery bench ...` as functions.

    >>> orrery.model.train("0.3M", "out/small")["perplexity_exact_i8"]
    >>> orrery.model.generate("out/small", "the ", temperature=0.8, top_k=40, stop=["."]).text
    >>> orrery.model.bench("gemm", shape="256x256x256")

Each raises CommandError with what the command says (2: an argument or a file is wrong) and
FileNotFoundError if the command is not built.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Iterable, Optional, Union

import pandas as pd

from ._client import Path
from ._up import _program, _run

__all__ = ["Text", "bench", "build", "convert", "generate", "inspect", "train", "verify"]


@dataclasses.dataclass(frozen=True)
class Text:
    """output: bytes, without the prompt. tokens: how many were drawn. digest: of the result, as a
    task of the chain would have it; None where tokens are not bytes or a stop text may cut."""

    output: bytes
    tokens: int
    digest: Optional[str]

    @property
    def text(self) -> str:
        return self.output.decode("utf-8", errors="replace")


def _ask(*words: Any) -> Any:
    return _run(_program(), [*map(str, words), "--json"], None)


def _options(options: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            words.append(flag)
        elif value is not None and value is not False:
            values = value if isinstance(value, (list, tuple)) else [value]
            words += [flag, ",".join(map(str, values))]
    return words


def train(size: str, out: Path, steps: Optional[int] = None, text: Optional[Path] = None,
          seed: Optional[int] = None, threads: int = 1, resume: bool = False,
          device: str = "cpu") -> dict[str, Any]:
    """Trains a model of the zoo (0.3M, 3M, 15M) into the folder `out`; the bits depend on neither
    machine, threads nor `device` (cpu, cuda, auto). Other `steps`, `seed` or a `text` file make a
    model of your own. Returns steps, digests, and the perplexity in float64 and in exact-i8 of
    texts held out."""
    return _ask("model", "train", "--size", size, "--out", os.fspath(out),
                *_options({"steps": steps, "text": text, "seed": seed, "threads": threads,
                           "resume": resume, "device": device}))


def build(folder: Path) -> dict[str, Any]:
    """Quantises a Llama or GPT-2 checkpoint (Safetensors) to its artefact; shape and digest."""
    return _ask("model", "build", os.fspath(folder))


def verify(folder: Path) -> dict[str, Any]:
    """Builds the artefact again and compares every byte; then every kernel decodes the same."""
    return _ask("model", "verify", os.fspath(folder))


def inspect(model: Path, text: Optional[Path] = None) -> dict[str, Any]:
    """Shape, size and digest; with a text file also its perplexity."""
    return _ask("model", "inspect", os.fspath(model), *_options({"text": text}))


def convert(file: Path, out: Path) -> dict[str, Any]:
    """Takes the float weights of an ONNX file out, as Safetensors."""
    return _ask("model", "convert", os.fspath(file), "--out", os.fspath(out))


def generate(model: Path, prompt: str, tokens: int = 64, temperature: float = 0, top_k: int = 0,
             top_p: float = 1, stop: Union[str, Iterable[str]] = (), seed: int = 1,
             device: str = "cpu") -> Text:
    """Lets a model (a folder, or an artefact file) go on with a prompt; the same bits everywhere.

    temperature: 0 takes the likeliest token, lowest id first.
    top_k, top_p: draw from the k likeliest, or the likeliest of so much probability, only.
    stop: texts before which the answer ends.
    """
    stops = [stop] if isinstance(stop, str) else list(stop)
    words = [word for s in stops for word in ("--stop", s)]
    made = _ask("model", "generate", os.fspath(model), "--prompt", prompt, *words,
                *_options({"tokens": tokens, "temperature": temperature, "top_k": top_k,
                           "top_p": top_p, "seed": seed, "device": device}))
    count = made["generated_tokens"] if "generated_tokens" in made else len(made["tokens"])
    return Text(bytes.fromhex(made["output_hex"]), count, made.get("result_digest"))


def bench(what: str, **options: Any) -> pd.DataFrame:
    """The rows of `orrery bench`: inference, gemm, verification, attribution or gpu. Options are
    the command's, with _ for -; lists are joined by commas.

        orrery.model.bench("inference", shape="15M", batch=[1, 8])
    """
    return pd.DataFrame(_ask("bench", what, *_options(options))["rows"])
