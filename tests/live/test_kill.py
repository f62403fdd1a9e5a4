"""kill -9 at random moments over all nodes: nothing that was final is ever lost."""

import os
import random
import signal
import time

from network import Network, eventually, orrery

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


def tx_hash(tx):
    return tx if isinstance(tx, str) else tx["hash"]


def test_what_was_final_stays_final_on_every_node(tmp_path):
    chance = random.Random(20261121)
    with Network(tmp_path / "home", sets=[TRANSFERS]) as net:
        names = net.names()
        acknowledged = Acknowledged(net)
        for _ in range(KILLS):
            pause = time.monotonic() + chance.uniform(0.05, 0.8)
            while time.monotonic() < pause:
                acknowledged.look(chance.choice(names))
            for node in chance.sample(net.status(), chance.choice([1, 1, 1, 2, 3])):
                if node["pid"]:
                    os.kill(node["pid"], signal.SIGKILL)
        before = len(acknowledged.seen)
        assert before > 0
        height = max(n["finalized_height"] for n in net.status())
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
        starts = sum(n["starts"] for n in net.status())
        print(f"{KILLS} rounds of kills, {starts - len(names)} restarts, "
              f"{len(acknowledged.seen)} final transactions, none lost")
    # Every life of every node, torn logs included, replays to the digests it left.
    orrery("conform", net.home, timeout=600)
