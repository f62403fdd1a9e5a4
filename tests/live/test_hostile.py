"""Strangers at every port of a live node: nothing crashes, hangs or grows, and finality goes on."""

import base64
import json
import os
import pathlib
import random
import resource
import socket
import struct
import urllib.parse

import pytest

from network import Network, eventually

# harness/test --full asks for 100,000; the suite's own share keeps it short.
INPUTS = int(os.environ.get("ORRERY_HOSTILE_INPUTS", "3000"))
IDLE = int(os.environ.get("ORRERY_IDLE_CONNECTIONS", "2000"))
GROWTH = 200 << 20  # bytes that a node may grow by: the memo's and the queues' bounds


def rss(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@pytest.fixture
def net(tmp_path):
    with Network(tmp_path / "home") as network:
        network.victim = network.node("validators-0")
        network.p2p = int(network.victim["p2p"].rsplit("/", 1)[1])
        network.rpc = urllib.parse.urlparse(network.victim["rpc"]).port
        network.size = rss(network.victim["pid"])
        yield network
        sound(network)


def sound(net):
    """The victim is the same process, of bounded size, and takes part in finality."""
    now = net.node("validators-0")
    assert now["pid"] == net.victim["pid"] and now["starts"] == 1
    assert rss(now["pid"]) < net.size + GROWTH
    others = max(n["finalized_height"] for n in net.status())
    eventually("the victim finalises with the others",
               lambda: net.node("validators-0")["finalized_height"] > others + 1, timeout=60)
    assert net.call("validators-0", "health")["height"] > 0


def throw(port, data):
    """Sends and reads what comes, until the other side closes or has nothing to say."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
        s.settimeout(0.05)
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
        except OSError:
            pass


def mutated(chance, seed):
    data = bytearray(seed)
    for _ in range(chance.randint(1, 8)):
        where = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0 and data:
            data[where % len(data)] = chance.randrange(256)
        elif kind == 1:
            data[where:where] = chance.randbytes(chance.randint(1, 16))
        elif kind == 2:
            del data[where:where + chance.randint(1, 16)]
        else:
            data = data[:where]
    return bytes(data)


def seeds(net):
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "getBlock", "params": [1]})
    http = (f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{net.rpc}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(call)}\r\n\r\n{call}").encode()
    key = base64.b64encode(bytes(16)).decode()
    upgrade = (f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{net.rpc}\r\nUpgrade: websocket\r\n"
               f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
               f"Sec-WebSocket-Version: 13\r\n\r\n").encode()
    frame = bytes([0x81, 0x80 | len(call)]) + bytes(4) + call.encode()
    hello = struct.pack("<I", 120) + bytes(range(120))
    return [(net.rpc, http), (net.rpc, upgrade + frame), (net.p2p, hello), (net.p2p, bytes(200))]


def test_malformed_inputs_on_every_port(net):
    chance = random.Random(5)
    kinds = seeds(net)
    for i in range(INPUTS):
        port, seed = kinds[i % len(kinds)]
        throw(port, mutated(chance, seed))


def test_a_frame_of_four_gibibytes_is_refused_at_once(net):
    with socket.create_connection(("127.0.0.1", net.p2p), timeout=10) as s:
        s.sendall(struct.pack("<I", 0xffffffff) + bytes(64))
        try:
            while s.recv(4096):
                pass
        except ConnectionResetError:
            pass  # as good as closed


def test_slow_senders_and_idle_connections_shut_nobody_out(net):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(IDLE, hard - 256)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 256), hard))
    held = []
    for i in range(wanted):
        s = socket.socket()
        s.settimeout(2)
        try:
            s.connect(("127.0.0.1", net.p2p if i % 2 else net.rpc))
            s.sendall(b"P" if i % 4 < 2 else b"")  # the first byte of a slow request
            held.append(s)
        except OSError:
            s.close()  # refused at a bound
    assert len(held) > wanted // 2
    # An honest peer that restarts finds its way in beside them.
    net.command("fault", "kill", "validators-1")
    eventually("it came back", lambda: net.node("validators-1")["starts"] == 2
               and net.node("validators-1")["state"] == "up"
               and net.node("validators-1")["peers"] > 0)
    for s in held:
        s.close()
