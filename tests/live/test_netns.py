"""A namespace a node, where that is allowed; a clear word where it is not."""

import os
import subprocess

import pytest

from network import LIVE, Network, unprivileged


def namespaces():
    out = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=False).stdout
    return {line.split()[0] for line in out.splitlines() if line.startswith("orr")}


def test_without_the_privilege_it_is_refused(tmp_path):
    tmp_path.chmod(0o777)
    done = unprivileged("up", LIVE, "--provider", "netns", "--home", tmp_path / "home",
                        open_folders=[tmp_path, *tmp_path.parents][:3])
    if done is None:
        pytest.skip("nobody may not run the program here")
    assert done.returncode == 3, done.stderr
    assert "needs root" in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes network namespaces")
def test_each_node_has_a_namespace_and_none_is_left(tmp_path):
    probe = subprocess.run(["ip", "netns", "add", "orrery-probe"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("this machine does not let us make network namespaces")
    subprocess.run(["ip", "netns", "del", "orrery-probe"], check=True)
    before = namespaces()
    words = ("--wait", "final", "--provider", "netns", "--no-shaping")
    with Network(tmp_path / "home", words=words) as net:
        assert len(namespaces() - before) == len(net.status())
        assert len({n["p2p"].split("/")[2] for n in net.status()}) == len(net.status())
        assert net.call("users-0", "getChainInfo")["finalized_height"] > 0
    assert namespaces() <= before
