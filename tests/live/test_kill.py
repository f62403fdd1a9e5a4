"""kill -9 at random moments over all processes: nothing that was final is ever lost."""

import collections
import json
import os
import pathlib
import random
import signal
import time

from network import Network, alive, eventually, orrery

# harness/test --full asks for more; the suite's own share keeps it short.
KILLS = int(os.environ.get("ORRERY_KILLS", "25"))
TRANSFERS = ('load=[{name: pays, kind: transfer, users: "role(user)", rate: 600/m, start: t+1s, '
             'amount: 0.5 AIGEN}]')


class Acknowledged:
    """Transactions that some node has called final: hash -> (height, block hash)."""

    def __init__(self, net):
        self.net = net
        self.seen = {}
        self.heights = {}

    def look(self, name):
        info = self.net.call(name, "getChainInfo", timeout=2)
        if not info:
            return
        for height in range(self.heights.get(name, 0) + 1, info["finalized_height"] + 1):
            block = self.net.call(name, "getBlock", [height], timeout=2)
            if not block:
                return
            for tx in block["transactions"]:
                place = (height, block["hash"])
                assert self.seen.setdefault(tx_hash(tx), place) == place, "two final places"
            self.heights[name] = height


def processes(net):
    """Pids of nodes and supervisor, by name, as the home says; empty while a supervisor starts."""
    try:
        said = json.loads(pathlib.Path(net.home, "process.json").read_text())
    except FileNotFoundError:
        return {}
    return {"supervisor": said["supervisor"], "guard": said["guard"],
            **{name: node["pid"] for name, node in said["nodes"].items()}}


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:  # killed a moment ago, and not yet written down
        pass


def tx_hash(tx):
    return tx if isinstance(tx, str) else tx["hash"]


def test_what_was_final_stays_final_on_every_node(tmp_path):
    chance = random.Random(20261121)
    with Network(tmp_path / "home", sets=[TRANSFERS]) as net:
        names = net.names()
        acknowledged = Acknowledged(net)
        killed = collections.Counter()
        rounds = 0
        # Where kills leave finality no time for long, a few more rounds see it advance.
        while rounds < KILLS or (not acknowledged.seen and rounds < 4 * KILLS):
            rounds += 1
            pause = time.monotonic() + chance.uniform(0.05, 0.8)
            while time.monotonic() < pause:
                acknowledged.look(chance.choice(names))
            alive = [(name, pid) for name, pid in processes(net).items() if pid]
            victims = chance.sample(alive, min(len(alive), chance.choice([1, 1, 1, 2, 3])))
            # Supervisor and guard bring each other back, so not both of them at one moment.
            watchers = [v for v in victims if v[0] in ("supervisor", "guard")]
            for name, pid in victims:
                if (name, pid) not in watchers[1:]:
                    kill(pid)
                    killed[name] += 1
        before = len(acknowledged.seen)
        assert before > 0
        height = max(acknowledged.heights.values())
        eventually("every node is up and finalises again", lambda: all(
            n["state"] == "up" and n["finalized_height"] > height for n in net.status()),
            timeout=120)
        for name in names:
            acknowledged.look(name)
        for name in names:
            chain = {}
            top = net.call(name, "getChainInfo")["finalized_height"]
            for at in range(1, top + 1):
                block = net.call(name, "getBlock", [at])
                chain.update({tx_hash(t): (at, block["hash"]) for t in block["transactions"]})
            lost = [h for h, place in acknowledged.seen.items()
                    if place[0] <= top and chain.get(h) != place]
            assert not lost, f"{name} lost {len(lost)} of {len(acknowledged.seen)}"
        print(f"{rounds} rounds, {sum(killed.values())} kills ({killed['supervisor']} of the "
              f"supervisor, {killed['guard']} of its guard), "
              f"{len(acknowledged.seen)} final transactions, none lost")
    # Every life of every node, torn logs included, replays to the digests it left.
    orrery("conform", net.home, timeout=600)


def test_a_supervisor_that_is_killed_comes_back_and_keeps_what_was_ordered(tmp_path):
    with Network(tmp_path / "home") as net:
        net.command("stop", "workers-0")
        eventually("the worker is down", lambda: net.node("workers-0")["state"] == "down")
        net.command("load", "rate", "2")
        net.command("fault", "pause", "workers-1")
        before = processes(net)
        kill(before["supervisor"])
        eventually("all but what was stopped is up again", lambda: all(
            n["state"] == ("down" if n["name"] == "workers-0" else "up") for n in net.status()))
        after = processes(net)
        assert after["supervisor"] != before["supervisor"]
        assert json.loads(pathlib.Path(net.home, "process.json").read_text())["load_rate"] == 2
        kill(after["guard"])
        eventually("another guard watches",
                   lambda: processes(net).get("guard", after["guard"]) != after["guard"])
        assert processes(net)["supervisor"] == after["supervisor"]
        left = processes(net)
    eventually("no process is left",
               lambda: not any(alive(pid) for pid in left.values() if pid))


def test_a_scenario_may_leave_dead_nodes_dead(tmp_path):
    with Network(tmp_path / "home", sets=["live={restart: false}"]) as net:
        kill(net.node("workers-1")["pid"])
        node = eventually("it is seen", lambda: next(
            (n for n in net.status() if n["name"] == "workers-1" and n["state"] != "up"), None))
        assert (node["state"], node["last_exit"]) == ("failed", "killed by signal 9")
