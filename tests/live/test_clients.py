"""A public WebSocket client, unmodified, across the restart of a real node."""

import shutil
import subprocess

import pytest

from network import ROOT, Network

NPM = ROOT / "tests" / "live" / "npm"


@pytest.mark.skipif(not shutil.which("node") or not (NPM / "node_modules").exists(),
                    reason="node, or what npm fetches into tests/live/npm, is missing")
def test_ws_follows_the_blocks_across_a_restart(tmp_path):
    with Network(tmp_path / "home") as net:
        client = subprocess.Popen(["node", str(NPM / "restart.mjs"), net.node_rpc("users-0")],
                                  stdout=subprocess.PIPE, text=True)
        try:
            assert client.stdout.readline() == "following\n"
            net.command("fault", "kill", "users-0")
            assert client.wait(60) == 0
        finally:
            client.kill()
