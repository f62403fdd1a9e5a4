#!/usr/bin/env python3
"""Opens a report in headless Chromium, checks what it shows, and takes screenshots.

usage: check_report.py REPORT_HTML OUTDIR

Checks any report: the page builds without a word on the console, loads nothing, runs no script
of its data, shows every section, chart and verdict, and fits a phone. Where record.json lies
beside the report, the figures shown must be those of the record. Screenshots (desktop, dark,
phone) go to OUTDIR.
Exit: 0 all held, 1 something did not, 2 bad usage, 77 no Chromium on this machine.
Standard library only; the browser is driven over chromedriver's W3C protocol.
"""
import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

MAX_BYTES = 5_000_000
READY_SECONDS = 60
SECTIONS = ["overview", "network", "finality", "tasks", "supply", "faults", "blocks", "metrics",
            "reproduce"]
DESKTOP = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--hide-scrollbars"]

# What the page says, read from its DOM in one go.
READ_PAGE = """
const text = id => { const e = document.getElementById(id); return e ? e.textContent : null; };
const rows = e => e.querySelectorAll('tbody tr').length;
return {
  title: document.title, heading: text('title'), digest: text('digest'),
  verdict: document.getElementById('verdict').className,
  figures: [...document.querySelectorAll('.figure')].map(f =>
    [f.querySelector('.label').textContent, f.querySelector('.value').textContent]),
  asserts: rows(document.getElementById('asserts')),
  invariants: rows(document.getElementById('invariants')),
  conservation: text('conservation'),
  sections: [...document.querySelectorAll('main > section')].map(s => s.id),
  empty_sections: [...document.querySelectorAll('main > section')]
    .filter(s => s.textContent.trim().length < 30).map(s => s.id),
  charts: [...document.querySelectorAll('.chart')].map(c => [c.id, !!c.querySelector('.main-svg'),
    c.querySelectorAll('.main-svg path').length]),
  notes: [...document.querySelectorAll('.empty')].map(e => e.textContent),
  task_text: [...document.querySelectorAll('#tasks .quote')].map(q => q.textContent),
  reproduce: text('reproduce'), body: document.body.innerText.length,
  injected: [...document.querySelectorAll('main img, main iframe, main b, #tasks script')].length,
  pwned: String(window.pwned),
  loaded: performance.getEntriesByType('resource').map(e => e.name)
    .filter(name => !name.startsWith('data:') && !name.startsWith('blob:')),
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
};
"""


class PageFailed(Exception):
    """The page never became ready."""


class Browser:
    """A headless Chromium behind chromedriver, both ended on exit."""

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.url = None
        self.profile = tempfile.mkdtemp(prefix="orrery-web-")
        self.driver = subprocess.Popen([shutil.which("chromedriver"), "--port=0"], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        port = None
        for line in self.driver.stdout:  # ends with the process, so this cannot hang on a crash
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                port = found.group(1)
                break
        if port is None:
            raise RuntimeError("chromedriver did not start")
        sessions = f"http://127.0.0.1:{port}/session"
        session = self.call("POST", sessions, {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"binary": shutil.which("chromium"),
                                   "args": FLAGS + [f"--user-data-dir={self.profile}"]}}}})
        self.url = sessions + "/" + session["sessionId"]

    def stop(self):
        try:
            if self.url:
                self.call("DELETE", self.url)
        finally:
            self.driver.terminate()
            self.driver.wait(timeout=20)
            shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, url, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=90) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {url}: {error.read().decode()[:500]}") from error

    def cdp(self, command, **params):
        return self.call("POST", self.url + "/goog/cdp/execute", {"cmd": command, "params": params})

    def run(self, script):
        return self.call("POST", self.url + "/execute/sync", {"script": script, "args": []})

    def open(self, path, screen, scheme):
        self.cdp("Emulation.setDeviceMetricsOverride", **screen)
        self.cdp("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("POST", self.url + "/url", {"url": path.resolve().as_uri()})
        deadline = time.monotonic() + READY_SECONDS
        while self.run("return document.documentElement.dataset.ready") != "true":
            if time.monotonic() > deadline:
                raise PageFailed(f"not ready after {READY_SECONDS} s; console: {self.console()}")
            time.sleep(0.1)  # the page gives no event across the protocol

    def console(self):
        entries = self.call("POST", self.url + "/se/log", {"type": "browser"})
        return [f"{entry['level']}: {entry['message']}" for entry in entries]

    def screenshot(self, path):
        shot = self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


def grouped(number):
    return f"{number:,}"


def check_page(page, console, failures):
    def expect(condition, message):
        if not condition:
            failures.append(message)

    expect(console == [], f"console is not clean: {console}")
    expect(page["loaded"] == [], f"the page loaded {page['loaded']}")
    expect(page["pwned"] == "undefined", "text of the record ran as a script")
    expect(page["injected"] == 0, "text of the record became markup")
    expect(page["sections"] == SECTIONS, f"sections are {page['sections']}")
    expect(page["empty_sections"] == [], f"sections without content: {page['empty_sections']}")
    expect(page["heading"] and page["title"].endswith("Orrery"), "no title")
    expect(re.fullmatch(r"verdict (held|violated|partial|unchecked)", page["verdict"]),
           f"verdict is {page['verdict']}")
    expect(page["charts"] or page["notes"], "no chart and no word why")
    for name, drawn, paths in page["charts"]:
        expect(drawn and paths > 0, f"{name} is not drawn")
    for word in ("Seed", "Commit", "Digest", "Machine", "Scenario hash"):
        expect(word in page["reproduce"], f"reproduce does not show {word}")


def check_against_record(page, record, failures):
    def expect(name, shown, recorded):
        if shown != recorded:
            failures.append(f"{name}: the page shows {shown!r}, the record holds {recorded!r}")

    def count(table, bad):
        columns = record[table]["columns"]
        return sum(1 for row in record[table]["rows"] if bad(dict(zip(columns, row))))

    failed = (count("asserts", lambda r: not r["ok"])
              + count("invariants", lambda r: r["violations"]))
    checked = record["asserts"]["rows"] or count("invariants", lambda r: r["checks"])
    verdict = ("violated" if failed else "unchecked" if not checked
               else "partial" if record["partial"] else "held")
    figures = dict(page["figures"])
    expect("digest", page["digest"], record["digest"])
    expect("verdict", page["verdict"], "verdict " + verdict)
    expect("height", figures["Height"], grouped(record["height"]))
    expect("finalised height", figures["Finalised"], grouped(record["finalized_height"]))
    expect("events", figures["Events"], grouped(record["events"]))
    expect("nodes", figures["Nodes"], grouped(len(record["nodes"]["rows"])))
    expect("settled", figures["Tasks settled"], grouped(record["tasks"].get("settled", 0)))
    for table in ("asserts", "invariants"):
        expect(table, page[table], min(200, len(record[table]["rows"])))
    for text in (record["command"], record["scenario_hash"], str(record["seed"])):
        expect(f"reproduce has {text[:40]}", text[:500] in page["reproduce"], True)
    prompt = record["task_rows"]["columns"].index("prompt")
    texts = [row[prompt] for row in record["task_rows"]["rows"] if isinstance(row[prompt], str)]
    if texts:
        shown = [t for t in page["task_text"] if t in texts]
        expect("some prompts are shown as they are", bool(shown), True)


def visit(browser, report, view, out, failures):
    name, screen, scheme = view
    browser.open(report, screen, scheme)
    page = browser.run(READ_PAGE)
    browser.screenshot(out / f"{name}.png")
    if page["overflow"] > 0:
        failures.append(f"{name}: the page is {page['overflow']} px wider than the screen")
    check_page(page, browser.console(), failures)
    record = report.parent / "record.json"
    if record.is_file():
        check_against_record(page, json.loads(record.read_text()), failures)
    return page


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    report, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    if not report.is_file():
        print(f"no report at {report}", file=sys.stderr)
        return 2
    missing = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    if missing:
        print(f"skipped: {' and '.join(missing)} not installed (Debian: chromium, chromium-driver)")
        return 77
    out.mkdir(parents=True, exist_ok=True)
    failures = []
    if report.stat().st_size > MAX_BYTES:
        failures.append(f"{report.stat().st_size} bytes, at most {MAX_BYTES}")

    try:
        with Browser() as browser:
            for view in (("desktop", DESKTOP, "light"), ("dark", DESKTOP, "dark"),
                         ("phone", PHONE, "light")):
                page = visit(browser, report, view, out, failures)
    except PageFailed as failure:
        failures.append(str(failure))

    for failure in failures:
        print("FAILED: " + failure)
    if not failures:
        beside = " and equals record.json" if (report.parent / "record.json").is_file() else ""
        print(f"{report}: {page['heading']!r}, {len(page['charts'])} charts, clean{beside}; "
              f"screenshots in {out}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
