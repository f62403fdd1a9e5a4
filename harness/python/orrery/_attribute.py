"""Which training texts a model's answers are owed to."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import tempfile
from typing import Iterable, Optional, Tuple, Union

import pandas as pd

from ._client import Path
from ._up import _program, _run

Query = Union[str, Tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Attribution:
    """documents: query, rank (from 1), document, contributor, score, text; best first.
    contributors: query, contributor, paid; the best paid first.
    copies: documents left out as copies of others.
    checkpoints: training steps whose models were asked; 0 is a model without a history.

    Queries count from 0. Scores are integers of 1/2**32, paid is an integer of 1,000,000 a query.
    """

    method: str
    documents: pd.DataFrame
    contributors: pd.DataFrame
    copies: int
    checkpoints: list[int]


def attribute(queries: Union[Query, Iterable[Query]], model: Optional[Path] = None,
              corpus: Path = "small", method: str = "influence", top: int = 5, keep: int = 0,
              halves: int = 0, seed: int = 1, threads: int = 1,
              device: str = "cpu") -> Attribution:
    """Asks the command `orrery attribute`.

        orrery.attribute(("kiporu has radav ", "kuveno"), "model", keep=5).contributors

    queries: a text, a pair of prompt and answer of which only the answer is to be explained, or a
        list of these.
    model: folder that `orrery model train` wrote; methods suffix and knn-shapley need none.
    corpus: what it was trained on: small, medium, large, or a folder with documents.jsonl.
    method: influence, logra, graddot, tracin, trak, suffix or knn-shapley.
    keep: trains the model again, with `seed`, and keeps so many checkpoints on the way.
    halves: trains so many models on random halves of the texts and asks these, which is the most
        faithful; they are kept in the model's folder.
    device: cpu, cuda or auto; scores do not depend on it.

    Raises CommandError (2: something of the above is wrong) and FileNotFoundError if the command is
    not built.
    """
    single = isinstance(queries, (str, tuple))
    pairs = [("", q) if isinstance(q, str) else q for q in ([queries] if single else queries)]
    with tempfile.TemporaryDirectory(prefix="orrery-") as folder:
        file = pathlib.Path(folder, "queries.jsonl")
        file.write_text("".join(json.dumps({"prompt": p, "answer": a}) + "\n" for p, a in pairs),
                        encoding="utf-8")
        words = ["attribute"] + ([] if model is None else [os.path.abspath(model)])
        place = os.path.abspath(corpus) if os.path.isdir(corpus) else os.fspath(corpus)
        words += ["--corpus", place, "--method", method, "--queries", str(file),
                  "--top", str(top), "--seed", str(seed), "--threads", str(threads), "--json"]
        words += ["--keep", str(keep)] if keep else []
        words += ["--halves", str(halves)] if halves else []
        words += ["--device", device]
        made = _run(_program(), words, folder)
    documents = [{"query": q, "rank": rank, **row} for q, query in enumerate(made["queries"])
                 for rank, row in enumerate(query["documents"], 1)]
    paid = [{"query": q, **row} for q, query in enumerate(made["queries"])
            for row in query["contributors"]]
    columns = ["query", "rank", "document", "contributor", "score", "text"]
    return Attribution(made["method"], pd.DataFrame(documents, columns=columns),
                       pd.DataFrame(paid, columns=["query", "contributor", "paid"]),
                       made["copies"], made["checkpoints"])
