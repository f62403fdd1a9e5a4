"""A live node through its RPC, with nothing but the standard library and pandas."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Mapping, Optional, Sequence, Union

import pandas as pd

Path = Union[str, "os.PathLike[str]"]

_PAGE = 100  # blocks a call: the most that a node lists
_MAX_ANSWER = 16 << 20  # bytes; twice what a node sends at most
_BLOCKS = ["height", "hash", "parent_hash", "timestamp_ms", "slot", "proposer",
           "transaction_count", "proof_count", "evidence_count", "proved_tokens", "work", "size",
           "final"]
_MODELS = ["model_id", "digest", "owner", "total_size", "dim", "layers", "heads", "context",
           "tokenizer", "price_per_1000_tokens"]
_SAMPLE = re.compile(r"([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)")
_LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
# Nodes are on this machine: a proxy of the environment has no business there.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RpcError(RuntimeError):
    """A node's refusal: `method`, `code` (of JSON-RPC) and `message` are its own words."""

    def __init__(self, url: str, method: str, code: int, message: str):
        super().__init__(f"{url} {method}: {message} ({code})")
        self.url = url
        self.method = method
        self.code = code
        self.message = message


class Unreachable(ConnectionError):
    """Nobody answers at the URL, or not as a node does."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a model said, and where the chain proves it."""

    text: str  # bytes that are not UTF-8 are replaced; see data
    data: bytes
    model: str
    finish_reason: str  # "stop" or "length"
    usage: dict[str, int]  # prompt_tokens, completion_tokens, total_tokens
    # task, worker, input_hash, output_hash, transcript_root, transaction, block, height, final, ...
    proof: dict[str, Any] = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return self.text


class Client:
    """One node. Calls are independent of one another, so threads may share a client.

    url          of the node, such as http://127.0.0.1:4001
    home         folder of its network, or None
    timeout      seconds that a call may take; chats have one of their own

    Every method raises RpcError if the node refuses, Unreachable if there is none, and TimeoutError
    if it does not answer in time. Money is an exact int of base units.
    """

    def __init__(self, url: str, home: Optional[Path] = None, timeout: float = 10.0):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"expected a URL such as http://127.0.0.1:4001, got {url!r}")
        self.url = url.rstrip("/")
        self.home = None if home is None else pathlib.Path(home)
        self.timeout = timeout

    def call(self, method: str, params: Any = None, timeout: Optional[float] = None) -> Any:
        """Any method of the node: its result as JSON values."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method}
        if params is not None:
            body["params"] = params
        request = urllib.request.Request(self.url + "/", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        text = self._fetch(request, method, timeout)
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if isinstance(answer, dict) and "result" in answer:
            return answer["result"]
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict) or not {"code", "message"} <= error.keys():
            raise Unreachable(f"{self.url} {method}: the answer is not JSON-RPC")
        raise RpcError(self.url, method, error["code"], error["message"])

    def chain_info(self) -> dict[str, Any]:
        """chain_id, height, finalized_height, hashes, parameters; amounts as ints."""
        info = self.call("getChainInfo")
        for name in ("total_supply", "base_fee", "price_per_1000_tokens"):
            info[name] = int(info[name])
        return info

    def block(self, block: Union[int, str] = "latest") -> dict[str, Any]:
        """A block with its transactions and proofs: by height, by hash, "latest" or "finalized".
        RpcError 1001 if there is none."""
        return self.call("getBlock", {"block": block})

    def blocks(self, first: int = 0, last: Optional[int] = None) -> pd.DataFrame:
        """One row a block from height `first` to `last`, both included and ascending; `last` is the
        head if left out. Columns: height, hash, parent_hash, timestamp_ms, slot, proposer, counts,
        proved_tokens, work, size, final, and time (UTC)."""
        before = self.chain_info()["height"] + 1 if last is None else last + 1
        rows: list[dict[str, Any]] = []
        while before > first:
            page = self.call("getBlocks", {"before": before, "count": min(_PAGE, before - first)})
            rows += [block for block in page["blocks"] if block["height"] >= first]
            if not page["blocks"] or page["blocks"][-1]["height"] >= before:
                break
            before = page["blocks"][-1]["height"]
        frame = pd.DataFrame(rows[::-1], columns=_BLOCKS)
        frame["time"] = pd.to_datetime(frame["timestamp_ms"].astype("int64"), unit="ms", utc=True)
        return frame

    def account(self, address: str) -> dict[str, Any]:
        """balance and stake (ints), nonce, roles and record of an address of 40 digits."""
        account = self.call("getAccount", {"address": address})
        for name in ("balance", "stake", "base_fee"):
            account[name] = int(account[name])
        return account

    def balance(self, address: str) -> int:
        """Liquid base units of an address of 40 hexadecimal digits."""
        return int(self.call("getBalance", {"address": address})["balance"])

    def transaction(self, hash: str) -> Optional[dict[str, Any]]:
        """With height, block, `final`, and `ok`: whether it did what it says (None if the node has
        been started again since). None while no block holds it."""
        return self.call("getTransaction", {"hash": hash})

    def models(self) -> pd.DataFrame:
        """One row a model: model_id, digest, owner, total_size (bytes), dim, layers, heads,
        context, tokenizer, price_per_1000_tokens (int)."""
        rows = self.call("listModels")["models"]
        for row in rows:
            row["price_per_1000_tokens"] = int(row["pricing"]["per_1000_tokens"])
        return pd.DataFrame(rows, columns=_MODELS)

    def chat(self, prompt: Union[str, Sequence[Mapping[str, str]]], model: Optional[str] = None,
             max_tokens: Optional[int] = None, temperature: Optional[float] = None,
             wait: str = "revealed", timeout: float = 300.0) -> Answer:
        """Asks a model and waits for the answer, which the node's own account pays.

        prompt: text, or messages such as [{"role": "user", "content": "..."}].
        model: name or digest; the node's first if left out.
        wait: "revealed" returns once the answer stands in a block; "settled" once nobody can
            challenge it any more.
        timeout: seconds; the network may need several blocks.
        """
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        if model is None:
            offered = self.call("listModels")["models"]
            if not offered:
                raise RpcError(self.url, "listModels", 2001, "the node offers no model")
            model = offered[0]["model_id"]
        given = {"max_tokens": max_tokens, "temperature": temperature}
        answer = self.call("chatCompletion", {
            "model_id": model, "messages": list(messages), "wait": wait,
            **{name: value for name, value in given.items() if value is not None}}, timeout)
        choice = answer["choices"][0]
        return Answer(text=choice["message"]["content"],
                      data=bytes.fromhex(choice["message"]["content_hex"]),
                      model=answer["model_id"], finish_reason=choice["finish_reason"],
                      usage=answer["usage"], proof=answer["proof"])

    def nodes(self) -> pd.DataFrame:
        """The nodes of the home: name, role, pid (None while down), rpc, p2p. ValueError without a
        home."""
        if self.home is None:
            raise ValueError(f"{self.url}: connected by URL; nodes() needs a home")
        return pd.DataFrame(_nodes(self.home), columns=["name", "role", "pid", "rpc", "p2p"])

    def node(self, name: str) -> "Client":
        """A client of another node of the same home. KeyError if it has none of that name."""
        if self.home is None:
            raise ValueError(f"{self.url}: connected by URL; node() needs a home")
        return connect(self.home, node=name, timeout=self.timeout)

    def metrics(self) -> pd.DataFrame:
        """What a Prometheus server would scrape: metric, kind, labels (a dict), value (float)."""
        text = self._fetch(urllib.request.Request(self.url + "/metrics"), "/metrics", None)
        return parse_metrics(text.decode())

    def _fetch(self, request: urllib.request.Request, what: str,
               timeout: Optional[float]) -> bytes:
        seconds = self.timeout if timeout is None else timeout
        late = f"{self.url} {what}: no answer within {seconds} s"
        try:
            with _OPENER.open(request, timeout=seconds) as answer:
                body = answer.read(_MAX_ANSWER + 1)
        except urllib.error.HTTPError as error:
            words = error.read(1000).decode(errors="replace")
            raise Unreachable(f"{self.url} {what}: HTTP {error.code}: {words}") from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, socket.timeout):
                raise TimeoutError(late) from error
            raise Unreachable(f"{self.url}: nobody answers ({error.reason})") from error
        except socket.timeout as error:
            raise TimeoutError(late) from error
        except OSError as error:
            raise Unreachable(f"{self.url} {what}: {error}") from error
        if len(body) > _MAX_ANSWER:
            raise Unreachable(f"{self.url} {what}: an answer above {_MAX_ANSWER} bytes")
        return body

    def __repr__(self) -> str:
        return f"<orrery.Client {self.url}{f' of {self.home}' if self.home else ''}>"


def connect(target: Path, node: Optional[str] = None, timeout: float = 10.0) -> Client:
    """A client of a live node. Nothing is asked of it yet.

    target: the node's URL, or the home of a network (orrery up prints it).
    node: which one of the home; its first user if left out, because a user's account pays for
        chats, else its first node.

    Raises FileNotFoundError if that is no home, KeyError if it has no such node.
    """
    if isinstance(target, str) and "://" in target:
        if node is not None:
            raise ValueError("a URL is one node already: leave `node` out")
        return Client(target, timeout=timeout)
    nodes = _nodes(pathlib.Path(target))
    users = [each for each in nodes if each["role"] == "user"]
    named = [each for each in nodes if each["name"] == node] if node else users or nodes
    if not named:
        raise KeyError(f"{target}: no node {node}; there are "
                       + ", ".join(each["name"] for each in nodes))
    return Client(named[0]["rpc"], home=target, timeout=timeout)


def parse_metrics(text: str) -> pd.DataFrame:
    """Prometheus text (format 0.0.4): metric, kind, labels, value. ValueError names a bad line."""
    kinds: dict[str, str] = {}
    rows = []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(maxsplit=3)
            kinds[name] = kind
        if not line.strip() or line.startswith("#"):
            continue
        match = _SAMPLE.match(line)
        if match is None:
            raise ValueError(f"not a line of metrics: {line!r}")
        name, labels, value = match.groups()
        family = re.sub("_(bucket|sum|count)$", "", name)  # of a histogram
        rows.append((name, kinds.get(name, kinds.get(family, "untyped")),
                     {key: re.sub(r"\\.", lambda e: _ESCAPES.get(e[0], e[0]), raw)
                      for key, raw in _LABEL.findall(labels or "")}, float(value)))
    return pd.DataFrame(rows, columns=["metric", "kind", "labels", "value"])


def _nodes(home: pathlib.Path) -> list[dict[str, Any]]:
    """In the scenario's order. Addresses stay the same while the home lives; pids do not."""
    try:
        places = json.loads((home / "config" / "network.json").read_text())["nodes"]
    except FileNotFoundError:
        words = f"{home}: no live network lives here; orrery up starts one"
        raise FileNotFoundError(words) from None
    try:
        running = json.loads((home / "process.json").read_text())["nodes"]
    except FileNotFoundError:
        running = {}
    return [{"name": place["name"], "role": place["role"],
             "pid": running.get(place["name"], {}).get("pid") or None,
             "rpc": f"http://{place['ip']}:{place['rpc_port']}",
             "p2p": f"/ip4/{place['ip']}/tcp/{place['p2p_port']}"} for place in places]
