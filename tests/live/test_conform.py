"""Live runs judged: equal digests, invariants, and a bug that the flight log gives away."""

import json
import pathlib

import pytest

from network import BUILD, CommandFailed, Network, eventually, orrery


def conform(home, expect=0):
    try:
        orrery("conform", home, expect=expect)
    except CommandFailed as error:
        raise AssertionError(str(error)) from error
    return json.loads(pathlib.Path(home, "conform", "conform.json").read_text())


def test_a_live_run_replays_to_the_same_digests(tmp_path):
    with Network(tmp_path / "home") as net:
        eventually("some tasks were asked",
                   lambda: net.node("users-0")["height"] >= 12, timeout=60)
    result = conform(net.home)
    assert result["replays_equal"] and result["invariants_hold"]
    for node in result["nodes"]:
        assert node["compared"] > 100, node
    assert sum(v["checks"] for v in result["invariants"]) > 500
    for comparison in result["comparisons"]:
        assert comparison["live"]["n"] > 0 and comparison["simulated"]["n"] > 0
        assert 0 <= comparison["ks"] <= 1
    assert result["link"]["latency"].startswith("lognormal(")


def test_a_killed_node_replays_too(tmp_path):
    with Network(tmp_path / "home") as net:
        net.command("fault", "kill", "validators-1")
        eventually("it came back", lambda: net.node("validators-1")["starts"] == 2
                   and net.node("validators-1")["state"] == "up")
        height = net.node("users-0")["height"]
        eventually("it goes on", lambda: net.node("validators-1")["height"] >= height + 2)
    result = conform(net.home)
    assert result["replays_equal"] and result["invariants_hold"]
    assert next(n for n in result["nodes"] if n["name"] == "validators-1")["lives"] == 2


def has_deliberate_bugs():
    cache = BUILD / "CMakeCache.txt"
    return cache.exists() and "ORRERY_SEEDED_BUGS:BOOL=ON" in cache.read_text()


@pytest.mark.skipif(not has_deliberate_bugs(), reason="a build without deliberate bugs")
def test_a_clock_that_moves_in_handlers_is_found_at_its_first_event(tmp_path):
    with Network(tmp_path / "home") as net:
        config = pathlib.Path(net.home, "config", "nodes", "workers-0.json")
        config.write_text(json.dumps({**json.loads(config.read_text()),
                                      "clock_moves_in_handlers": True}))
        net.command("fault", "kill", "workers-0")
        eventually("it came back", lambda: net.node("workers-0")["starts"] == 2
                   and net.node("workers-0")["state"] == "up")
        height = net.node("users-0")["height"]
        eventually("it goes on", lambda: net.node("workers-0")["height"] >= height + 2)
    result = conform(net.home, expect=5)
    different = [n for n in result["nodes"] if "difference" in n]
    assert [n["name"] for n in different] == ["workers-0"]
    # The boot itself reads the clock to arm the first timers: it is the first event.
    assert different[0]["difference"]["event"] == "boot 1"
