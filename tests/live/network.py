"""A live network for a test: brought up by the command, asked through RPC, always taken down."""

import json
import os
import pathlib
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(os.environ.get("ORRERY_ROOT", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("ORRERY_BUILD", ROOT / "build" / "test"))
PROGRAM = BUILD / "harness" / "cli" / "orrery"
LIVE = ROOT / "scenarios" / "library" / "baseline" / "live.yaml"


class CommandFailed(AssertionError):
    pass


def orrery(*words, expect=0, timeout=120):
    """Runs the command; its standard output. Fails on another exit code than `expect`."""
    done = subprocess.run([str(PROGRAM), *map(str, words)], capture_output=True, text=True,
                          timeout=timeout, check=False)
    if done.returncode != expect:
        raise CommandFailed(f"orrery {' '.join(map(str, words))}: exit {done.returncode}, "
                            f"expected {expect}\n{done.stdout}\n{done.stderr}")
    return done.stdout if expect == 0 else done.stderr


def eventually(what, condition, timeout=30.0):
    """Polls until the condition gives something true; that value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.02)


def alive(pid):
    try:
        os.kill(pid, 0)
        return True
    except ProcessLookupError:
        return False


def unprivileged(*words, open_folders=()):
    """Runs the command without root's rights; nothing if that cannot be done here."""
    who = {}
    if os.getuid() == 0:
        who = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        for folder in open_folders:
            folder.chmod(folder.stat().st_mode | 0o055)
    try:
        return subprocess.run([str(PROGRAM), *map(str, words)], capture_output=True, text=True,
                              timeout=60, check=False, cwd="/", **who)
    except PermissionError:  # a folder above the program is closed to others
        return None


class Network:
    """`with Network(home) as net`: a network of LIVE, or of another file."""

    def __init__(self, home, file=LIVE, sets=(), words=("--wait", "final"), timeout="60s"):
        self.home = str(home)
        self.words = ["up", str(file), "--home", self.home, "--timeout", timeout, "--json", *words]
        for item in sets:
            self.words += ["--set", item]
        self.keep = False

    def __enter__(self):
        out = orrery(*self.words)
        self.up = json.loads(out) if out else {}
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            for log in sorted(pathlib.Path(self.home, "logs").glob("*.log")):
                tail = log.read_text(errors="replace").splitlines()[-5:]
                print(f"--- {log.name}", *tail, sep="\n")
        orrery("down", "--home", self.home, "--keep")

    def command(self, verb, *words, **options):
        return orrery(verb, *words, "--home", self.home, **options)

    def status(self):
        return json.loads(self.command("status", "--json"))

    def node(self, name):
        return next(n for n in self.status() if n["name"] == name)

    def names(self):
        return [n["name"] for n in self.status()]

    def call(self, name, method, params=None, timeout=10):
        """JSON-RPC to a node; None if nobody answers there."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method}
        if params is not None:
            body["params"] = params
        request = urllib.request.Request(self.node_rpc(name), json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                value = json.loads(answer.read())
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None
        assert "result" in value, value
        return value["result"]

    def node_rpc(self, name):
        if not hasattr(self, "_rpc"):
            self._rpc = {n["name"]: n["rpc"] for n in self.status()}
        return self._rpc[name]
