#!/usr/bin/env python3
"""Opens the page of a live node in headless Chromium, asks the network, takes screenshots.

usage: check_live.py RPC_HOST OUTDIR

RPC_HOST is the program that serves a simulated network in real time. Checks that the page draws
what the node says, follows new blocks, answers a question with a proof that the page itself
verifies, comes back after the node was away, loads nothing from elsewhere and stays silent on the
console. Exit: 0 all held, 1 something did not, 2 bad usage, 77 no Chromium on this machine.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import time

from check_report import DESKTOP, PHONE, Browser, PageFailed

WAIT_SECONDS = 60
SPEED = "20"

READ_PAGE = """
return {
  offline: document.body.classList.contains('offline'),
  height: Number(document.querySelector('.figure .value').textContent.replaceAll(',', '')),
  tiles: document.querySelectorAll('#strip .tile').length,
  final_tiles: document.querySelectorAll('#strip .tile.final').length,
  peers: document.querySelectorAll('#map .peer').length,
  tasks: document.querySelectorAll('#task-list tbody tr').length,
  accounts: document.querySelectorAll('#accounts tbody tr').length,
  charts: ['chart-height', 'chart-pools'].map(id =>
    document.querySelectorAll('#' + id + ' .main-svg path').length),
  models: document.querySelectorAll('#model option').length,
  loaded: performance.getEntriesByType('resource').map(e => e.name)
    .filter(name => !name.startsWith('data:') && !name.startsWith('blob:')),
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
};
"""


class Host:
    """rpc_host, ended by closing its input."""

    def __init__(self, program, port=0):
        self.process = subprocess.Popen(
            [program, "--speed", SPEED, "--port", str(port)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


def wait_for(browser, condition, what):
    deadline = time.monotonic() + WAIT_SECONDS
    while not browser.run("return !!(" + condition + ")"):
        if time.monotonic() > deadline:
            raise PageFailed(f"{what}: not after {WAIT_SECONDS} s; console: {browser.console()}")
        time.sleep(0.1)  # the page gives no event across the protocol


def show(browser, url, screen, scheme):
    browser.cdp("Emulation.setDeviceMetricsOverride", **screen)
    browser.cdp("Emulation.setEmulatedMedia",
                features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.call("POST", browser.url + "/url", {"url": url})
    wait_for(browser, "document.documentElement.dataset.ready === 'true'", "the page is ready")


def ask(browser, failures):
    browser.run("document.getElementById('prompt').value = 'tell me about the tides';"
                "document.getElementById('tokens').value = 24;"
                "document.getElementById('form').requestSubmit();")
    wait_for(browser, "document.getElementById('verify')", "an answer")
    browser.run("document.getElementById('verify').click()")
    wait_for(browser, "document.querySelectorAll('#checks li').length === 6", "the checks")
    states = browser.run("return [...document.querySelectorAll('#checks li')]"
                         ".map(e => e.className)")
    if states[:4] != ["ok"] * 4 or "no" in states:
        failures.append(f"the proof does not hold: {states}")
    if not browser.run("return document.getElementById('answer').textContent.length"):
        failures.append("the answer is empty")
    steps = browser.run("return [...document.querySelectorAll('#steps li.done')].length")
    if steps != 5:
        failures.append(f"{steps} of 5 steps are done")


def check(browser, host, out, failures):
    def expect(condition, message):
        if not condition:
            failures.append(message)

    url = f"http://127.0.0.1:{host.port}/"
    show(browser, url, DESKTOP, "light")
    wait_for(browser, "document.querySelectorAll('#task-list tbody tr').length > 2 && "
                      "document.querySelectorAll('#strip .tile.final').length > 3", "a life to see")
    first = browser.run(READ_PAGE)
    browser.run("document.querySelector('#strip .tile.final').click();"
                "document.querySelector('#map .peer').dispatchEvent(new Event('click'))")
    ask(browser, failures)
    wait_for(browser, "Number(document.querySelector('.figure .value').textContent"
                      f".replaceAll(',', '')) > {first['height'] + 3}", "new blocks")
    browser.screenshot(out / "live-desktop.png")
    page = browser.run(READ_PAGE)
    for name in ("tiles", "final_tiles", "peers", "tasks", "accounts", "models"):
        expect(page[name] > 0, f"no {name}")
    expect(all(page["charts"]), f"charts are not drawn: {page['charts']}")
    expect(page["loaded"] == [], f"the page loaded {page['loaded']}")
    expect(browser.run("return document.querySelectorAll('#block dl').length") == 1,
           "the chosen block is not shown")
    for name, screen, scheme in (("dark", DESKTOP, "dark"), ("phone", PHONE, "light")):
        show(browser, url, screen, scheme)
        wait_for(browser, "document.querySelectorAll('#chart-pools .main-svg path').length > 0",
                 "charts")
        browser.screenshot(out / f"live-{name}.png")
        wide = browser.run(READ_PAGE)["overflow"]
        expect(wide <= 0, f"{name}: the page is {wide} px wider than the screen")
    expect(browser.console() == [], "the console is not clean")


def check_return(browser, program, host, failures):
    host.stop()
    wait_for(browser, "document.body.classList.contains('offline')", "the page sees the end")
    again = Host(program, host.port)
    try:
        wait_for(browser, "!document.body.classList.contains('offline')", "the page comes back")
        wait_for(browser, "document.querySelectorAll('#strip .tile').length > 0", "and draws")
    finally:
        again.stop()


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    program, out = sys.argv[1], pathlib.Path(sys.argv[2])
    missing = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    if missing:
        print(f"skipped: {' and '.join(missing)} not installed (Debian: chromium, chromium-driver)")
        return 77
    out.mkdir(parents=True, exist_ok=True)
    failures = []
    host = Host(program)
    try:
        with Browser() as browser:
            check(browser, host, out, failures)
            check_return(browser, program, host, failures)
    except PageFailed as failure:
        failures.append(str(failure))
    finally:
        if host.process.poll() is None:
            host.stop()
    for failure in failures:
        print("FAILED: " + failure)
    if not failures:
        print(f"the live page is whole; screenshots in {out}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
