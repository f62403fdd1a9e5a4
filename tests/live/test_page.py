"""The page of a real node in a real browser: it lives, answers, proves, and survives a restart."""

import pathlib
import shutil
import sys
import types
import urllib.parse

import pytest

from network import ROOT, Network

sys.path.insert(0, str(ROOT / "tests" / "web"))
import check_live  # noqa: E402  (a script of the web tests; its checks serve here too)
from check_report import Browser  # noqa: E402


@pytest.mark.skipif(not (shutil.which("chromium") and shutil.which("chromedriver")),
                    reason="chromium or chromedriver is not installed")
def test_the_page_of_a_live_node(tmp_path):
    out = pathlib.Path(tmp_path, "screenshots")
    out.mkdir()
    with Network(tmp_path / "home") as net, Browser() as browser:
        port = urllib.parse.urlparse(net.node_rpc("users-0")).port
        failures = []
        check_live.check(browser, types.SimpleNamespace(port=port), out, failures)
        assert not failures
        net.command("fault", "kill", "users-0")
        check_live.wait_for(browser, "document.body.classList.contains('offline')",
                            "the page sees the end")
        check_live.wait_for(browser, "!document.body.classList.contains('offline') && "
                            "document.querySelectorAll('#strip .tile').length > 0",
                            "the page comes back")
