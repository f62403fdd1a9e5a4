"""Clients of live nodes: their words and errors against a scripted server, and one real network."""

import contextlib
import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading

import pandas as pd
import pytest

import orrery

HASH = "ab" * 32


@contextlib.contextmanager
def scripted(answer):
    """A server on a port that the system picks; `answer(call)` gives status and body. Yields its
    URL and the calls that came."""
    calls = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            calls.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            status, body = answer(calls[-1])
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", calls
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def result(value):
    return 200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}).encode()


def test_a_call_is_json_rpc_with_the_params_given():
    with scripted(lambda call: result({"echo": call})) as (url, calls):
        assert orrery.connect(url + "/").call("health")["echo"] == calls[0]
        orrery.connect(url).call("getBlock", [7])
    assert calls[0] == {"jsonrpc": "2.0", "id": 1, "method": "health"}
    assert calls[1]["params"] == [7]


def test_a_refusal_keeps_code_and_words():
    body = json.dumps({"jsonrpc": "2.0", "id": 1,
                       "error": {"code": 1001, "message": "block not found"}}).encode()
    with scripted(lambda call: (200, body)) as (url, _):
        with pytest.raises(orrery.RpcError, match=r"getBlock: block not found \(1001\)") as raised:
            orrery.connect(url).block(10**6)
    assert (raised.value.code, raised.value.message) == (1001, "block not found")


@pytest.mark.parametrize("status, body", [(200, b"<html>"), (200, b"[]"), (200, b"{}"),
                                          (200, b'{"error":7}'), (429, b"slow down"),
                                          (500, b"\xff")])
def test_what_is_no_node_is_unreachable(status, body):
    with scripted(lambda call: (status, body)) as (url, _):
        with pytest.raises(orrery.Unreachable, match="health"):
            orrery.connect(url).call("health")


def test_nobody_there_is_unreachable():
    with socket.socket() as reserved:  # bound, but nobody listens
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        with pytest.raises(orrery.Unreachable, match=url):
            orrery.connect(url).chain_info()


def test_a_silent_node_is_a_timeout():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client = orrery.connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05)
        with pytest.raises(TimeoutError, match="health: no answer within 0.05 s"):
            client.call("health")


def test_a_proxy_of_the_environment_is_left_alone():
    ask = "import orrery, sys; print(orrery.connect(sys.argv[1]).call('health'))"
    env = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    with scripted(lambda call: result("here")) as (url, _):
        done = subprocess.run([sys.executable, "-B", "-c", ask, url], text=True, timeout=20,
                              stdout=subprocess.PIPE, check=True,
                              env={**env, "http_proxy": "http://127.0.0.1:1"})
    assert done.stdout == "here\n"


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "ftp://127.0.0.1", "http://"])
def test_only_http_urls_are_urls_of_nodes(url):
    with pytest.raises(ValueError, match="expected a URL"):
        orrery.connect(url)


def test_blocks_are_asked_in_pages_and_come_in_order():
    def answer(call):
        if call["method"] == "getChainInfo":
            return result({"height": 249, "total_supply": "1", "base_fee": "0",
                           "price_per_1000_tokens": "0"})
        before, count = call["params"]["before"], call["params"]["count"]
        heights = range(before - 1, max(before - 1 - count, -1), -1)
        return result({"blocks": [{"height": height, "timestamp_ms": 1000 * height, "final": True}
                                  for height in heights]})

    with scripted(answer) as (url, calls):
        client = orrery.connect(url)
        assert list(client.blocks()["height"]) == list(range(250))
        assert len(calls) == 1 + 3
        part = client.blocks(120, 130)
        assert list(part["height"]) == list(range(120, 131))
        assert part["time"].iloc[0] == pd.Timestamp(120, unit="s", tz="UTC")
        none = client.blocks(9, 5)
    assert none.empty and list(none.columns) == list(part.columns)
    assert list(none.dtypes[["timestamp_ms", "time"]].astype(str))[1] == "datetime64[ns, UTC]"


def test_metrics_are_rows_with_labels():
    frame = orrery._client.parse_metrics(
        "# HELP up Is it up?\n# TYPE up gauge\nup 1\n\n# TYPE calls counter\n"
        'calls{method="a\\"b}",ok="true"} 3 1700000000\n# TYPE lag histogram\n'
        'lag_bucket{le="+Inf"} 2\nlag_sum 1e-3\nelse NaN\n')
    assert list(frame["metric"]) == ["up", "calls", "lag_bucket", "lag_sum", "else"]
    assert list(frame["kind"]) == ["gauge", "counter", "histogram", "histogram", "untyped"]
    assert frame["labels"][1] == {"method": 'a"b}', "ok": "true"}
    assert list(frame["value"][:4]) == [1.0, 3.0, 2.0, 0.001] and pd.isna(frame["value"][4])
    with pytest.raises(ValueError, match="not metrics"):
        orrery._client.parse_metrics("{} not metrics")


def test_what_is_no_home_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no live network lives here"):
        orrery.connect(tmp_path)


@pytest.fixture(scope="module")
def net():
    """A live network that the tests below look at."""
    program = pathlib.Path(os.environ["ORRERY_BUILD"]) / "harness" / "cli" / "orrery"
    if not program.exists():
        pytest.skip("the command is not built")
    file = pathlib.Path(os.environ["ORRERY_ROOT"]) / "scenarios" / "library" / "baseline"
    with orrery.up(file / "live.yaml", set={"groups.workers.count": 3}) as client:
        home = client.home
        yield client
    assert not home.parent.exists()
    with pytest.raises(orrery.Unreachable):
        client.chain_info()


def test_up_gives_a_network_whose_nodes_have_final_blocks(net):
    nodes = net.nodes()
    assert list(nodes.columns) == ["name", "role", "pid", "rpc", "p2p"]
    assert (nodes["role"] == "miner").sum() == 3  # as set
    assert net.url == nodes.set_index("name").loc["users-0", "rpc"]
    for name in nodes["name"]:
        assert net.node(name).chain_info()["finalized_height"] > 0
    with pytest.raises(KeyError, match="workers-2"):
        net.node("workers-9")


def test_blocks_are_linked_and_the_final_ones_are_said(net):
    final = net.chain_info()["finalized_height"]
    blocks = net.blocks(0, final)
    assert list(blocks["height"]) == list(range(final + 1)) and blocks["final"].all()
    assert list(blocks["parent_hash"][1:]) == list(blocks["hash"][:-1])
    head = net.block("finalized")
    assert net.block(head["hash"])["hash"] == net.block(head["height"])["hash"] == head["hash"]


def test_an_answer_has_a_proof_that_its_block_contains(net):
    answer = net.chat("What is a block?", max_tokens=5)
    assert len(answer.data) <= answer.usage["completion_tokens"] == 5
    assert str(answer) == answer.text == answer.data.decode(errors="replace")
    proof = answer.proof
    reveal = net.transaction(proof["transaction"])
    assert reveal["ok"] and reveal["sender"] == proof["worker"]
    block = net.block(reveal["block"])
    inside = [tx for tx in block["transactions"] if tx["hash"] == proof["transaction"]]
    assert [tx["detail"]["task"] for tx in inside] == [proof["task"]]
    assert net.nodes()["pid"].notna().all()
    assert net.transaction(HASH) is None


def test_models_money_and_metrics(net):
    models = net.models()
    assert list(models["model_id"]) == ["small"] and models["price_per_1000_tokens"][0] > 0
    block = net.blocks(1, 1)
    proposer = net.account(block["proposer"][0])
    assert proposer["stake"] in (10_000 * 10**18, 50_000 * 10**18)  # of a worker, a validator
    assert proposer["worker"] or proposer["validator"]
    assert isinstance(net.balance(block["proposer"][0]), int)
    metrics = net.metrics().set_index("metric")
    heights = metrics.filter(regex="height", axis=0)["value"]
    assert heights.max() >= block["height"][0]
    with pytest.raises(orrery.RpcError, match="-32601"):
        net.call("noSuchMethod")


def test_a_network_that_does_not_come_up_says_why_and_leaves_nothing(command, four, tmp_path):
    with pytest.raises(orrery.CommandError, match="cuont") as raised:
        with orrery.up(four, home=tmp_path / "home", set={"groups.workers.cuont": 3}):
            pass
    assert raised.value.code == 2
    live = four.parent / "live.yaml"
    with pytest.raises(orrery.CommandError) as raised:
        with orrery.up(live, home=tmp_path / "home", timeout="1ms"):
            pass
    assert raised.value.code == 4
    assert not (tmp_path / "home" / "process.json").exists()


def test_a_given_home_stays_and_waiting_for_nothing_is_possible(command, four, tmp_path):
    with orrery.up(four.parent / "live.yaml", home=tmp_path / "home", wait="none", load=False,
                   timeline=False, seed=5) as client:
        assert len(client.nodes()) == 8
    assert client.nodes()["pid"].isna().all()
    with pytest.raises(orrery.Unreachable):
        client.chain_info()
    assert (tmp_path / "home" / "config" / "scenario.json").exists()
    assert not (tmp_path / "home" / "process.json").exists()


def test_a_home_in_use_is_left_alone(command, four, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "network.json").write_text("{}")
    with pytest.raises(FileExistsError, match="a network lives there"):
        with orrery.up(four, home=tmp_path):
            pass
    assert (tmp_path / "config" / "network.json").read_text() == "{}"
