"""Debian's own Prometheus scrapes every node of a live network."""

import json
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request

import pytest

from network import Network, eventually

PROMETHEUS = shutil.which("prometheus")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")
def test_a_real_prometheus_scrapes_all_nodes(tmp_path):
    with Network(tmp_path / "home") as net:
        targets = [urllib.parse.urlparse(n["rpc"]).netloc for n in net.status()]
        config = tmp_path / "prometheus.yml"
        config.write_text(json.dumps({  # JSON is YAML
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
            "scrape_configs": [{"job_name": "orrery",
                                "static_configs": [{"targets": targets}]}]}))
        port = free_port()
        server = subprocess.Popen(
            [PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            def query(text):
                url = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(text)}"
                try:
                    with urllib.request.urlopen(url, timeout=2) as answer:
                        return json.loads(answer.read())["data"]["result"]
                except OSError:
                    return []
            eventually("all nodes are scraped and up",
                       lambda: [r for r in query("sum(up)") if r["value"][1] == str(len(targets))])
            heights = eventually("each node tells its height", lambda: full(
                query("orrery_chain_height"), len(targets)))
            assert {r["metric"]["instance"] for r in heights} == set(targets)
            eventually("the height rises", lambda: min(
                (float(r["value"][1]) for r in query("orrery_chain_height")), default=0)
                > min(float(r["value"][1]) for r in heights))
        finally:
            server.terminate()
            server.wait(10)


def full(results, count):
    return results if len(results) == count else None
