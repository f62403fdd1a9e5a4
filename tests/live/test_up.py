"""The life of a live network: up, look, hurt, down."""

import json
import os
import pathlib

from network import Network, alive, eventually, orrery


def test_every_node_has_a_final_block_when_up_returns(tmp_path):
    with Network(tmp_path / "home") as net:
        assert all(n["finalized_height"] > 0 for n in net.up["nodes"])
        for node in net.status():
            assert {"name", "role", "pid", "rpc", "p2p", "height", "finalized_height",
                    "peers"} <= node.keys()
            assert alive(node["pid"])
            info = net.call(node["name"], "getChainInfo")
            assert info["height"] >= info["finalized_height"] > 0
        pids = [n["pid"] for n in net.status()]
        supervisor = json.loads(pathlib.Path(net.home, "process.json").read_text())["supervisor"]
    eventually("no process is left", lambda: not any(map(alive, [*pids, supervisor])))
    assert not pathlib.Path(net.home, "process.json").exists()


def test_a_stopped_node_comes_back_and_catches_up(tmp_path):
    with Network(tmp_path / "home") as net:
        net.command("stop", "validators-0")
        eventually("it is down", lambda: net.node("validators-0")["state"] == "down")
        before = net.node("validators-1")["height"]
        eventually("the others go on",
                   lambda: net.node("validators-1")["height"] >= before + 3)
        net.command("start", "validators-0")
        eventually("it has caught up", lambda: net.node("validators-0")["height"] >= before + 3)


def test_a_partition_stalls_finality_and_heals(tmp_path):
    with Network(tmp_path / "home") as net:
        net.command("fault", "add", "name: split, do: partition, sides: [validators-0 | "
                    "validators-1, validators-2 | validators-3]")
        assert "split" in net.command("fault", "list", "--json")
        def finals():
            return {n["name"]: n["finalized_height"] for n in net.status()
                    if n["role"] == "validator"}
        # Workers still reach both sides, so votes cross through them: gossip is a relay.
        net.command("fault", "clear", "split")
        net.command("fault", "add", "name: deep, do: partition, sides: [validators-0 | "
                    "validators-1 | workers-0 | users-0, validators-2 | validators-3 | workers-1 "
                    "| boot-0]")
        stalled = eventually("finality stands still while blocks come", lambda: stands(net, finals))
        net.command("fault", "clear", "deep")
        eventually("finality moves again",
                   lambda: all(f > stalled + 2 for f in finals().values()), timeout=60)


def stands(net, finals):
    """The height of finality once it has not moved for four blocks; None before."""
    top = max(finals().values())
    height = max(n["height"] for n in net.status())
    eventually("four more blocks", lambda: max(n["height"] for n in net.status()) >= height + 4)
    return top if max(finals().values()) == top else None


def test_a_home_is_started_again_as_it_was(tmp_path):
    home = tmp_path / "home"
    with Network(home) as net:
        head = net.call("users-0", "getChainInfo")
    orrery("start", "--home", home)
    try:
        net = Network(home)
        eventually("the old chain goes on", lambda: all(
            n["height"] > head["height"] for n in net.status()))
        block = net.call("users-0", "getBlock", [head["finalized_height"]])
        assert block["height"] == head["finalized_height"]
    finally:
        orrery("down", "--home", home)
    assert not home.exists()
