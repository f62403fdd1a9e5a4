"""Includes against the layer table of ARCHITECTURE.md.   layers.py ROOT

A file may include its own layer and what the table lists for it; third-party headers and the
sensitive parts of the standard library only where the table names them. There are no exceptions.
"""

import os
import re
import sys

import tree

# Name in the table -> headers, as regular expressions on the text between the brackets.
PACKAGES = {
    "tl-expected": r"tl/",
    "fmt": r"fmt/",
    "spdlog": r"spdlog/",
    "OpenSSL": r"openssl/",
    "libsodium": r"sodium(\.h$|/)",
    "nlohmann-json-fwd": r"nlohmann/json_fwd\.hpp$",
    "nlohmann-json": r"nlohmann/json\.hpp$",
    "yaml-cpp": r"yaml-cpp/",
    "CLI11": r"CLI/",
    "pybind11": r"pybind11/",
    "zstd": r"zstd\.h$",
    "RocksDB": r"rocksdb/",
    "Eigen": r"(unsupported/)?Eigen/",
    "Boost.Graph": r"boost/(graph|property_map|property_tree)/",
    "Boost.Asio": r"boost/(asio|system)[/.]",
    "Boost.Beast": r"boost/beast[/.]",
    "CUDA": r"cuda[a-z_]*\.h(pp)?$|mma\.h$",
    "cuBLAS": r"cublas[A-Za-z_]*\.h$",
    "SIMD": r"[a-z0-9]*intrin\.h$|cpuid\.h$",
    "POSIX": r"(sys|arpa|net|netinet)/|(unistd|fcntl|signal|dirent|dlfcn|poll|pwd|spawn)\.h$|"
             r"csignal$",
    "threads": r"(thread|(shared_)?mutex|condition_variable|future|semaphore|latch|barrier)$|"
               r"(stop_token|pthread\.h)$",
    "clocks": r"(chrono|ctime|time\.h)$",
    "files": r"(fstream|filesystem|iostream|cstdio|stdio\.h)$",
    "locale": r"(locale|clocale|codecvt|regex)$",
    "random": r"random$",
}
STANDARD = re.compile(r"[a-z_0-9]+$|(stdint|stddef|string|limits|inttypes)\.h$")
LAYER = re.compile(r"[a-z]+(/[a-z]+)?$")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


class Table:
    """layer -> (layers it may include, packages for headers, packages for .cc files)."""

    def __init__(self, text):
        self.rows = {}
        for line in text.splitlines():
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if line.startswith("|") and len(cells) == 4 and LAYER.match(cells[0]):
                self.rows[cells[0]] = [[x.strip() for x in c.split(",") if x.strip()]
                                       for c in cells[1:]]
        self.rows.pop("layer", None)
        paragraph = re.search(r"^Inside `protocol/`.*?(?:\n\n|\Z)", text, re.S | re.M)
        names = re.findall(r"`([a-z]+)`", paragraph.group()) if paragraph else []
        self.protocol = list(dict.fromkeys(names))
        self.problems = [] if self.rows else ["ARCHITECTURE.md: no layer table found"]
        for layer, (_, public, private) in self.rows.items():
            for name in public + private:
                if name not in PACKAGES:
                    self.problems.append(f"ARCHITECTURE.md: {layer}: unknown package {name}")

    def layer_of(self, path):
        """The longest row that holds `path`, or None."""
        rows = [row for row in self.rows if tree.below(path, row)]
        return max(rows, key=len, default=None)


def generated(root, path, target):
    """True if the CMakeLists.txt of the file's folder names the header, which the build writes."""
    cmake = os.path.join(os.path.dirname(path), "CMakeLists.txt")
    return os.path.isfile(os.path.join(root, cmake)) and target in tree.read(root, cmake)


def check_project_include(table, root, path, target):
    if "/" not in target and generated(root, path, target):
        return None
    if not os.path.isfile(os.path.join(root, target)):
        return f'"{target}" does not exist (includes start at the root)'
    if tree.below(path, "tests"):
        return None
    if tree.below(path, "protocol") and tree.below(target, "protocol"):
        mine, theirs = path.split("/")[1], target.split("/")[1]
        for name in (mine, theirs):
            if name not in table.protocol:
                return f"protocol/{name} has no place in the order of protocol/"
        if table.protocol.index(theirs) > table.protocol.index(mine):
            return f"protocol/{theirs} comes after protocol/{mine}"
        return None
    layer = table.layer_of(path)
    allowed = [layer] + table.rows[layer][0]
    if not any(tree.below(target, a) for a in allowed):
        return f"{layer} may not include {target}"
    return None


def check_system_include(table, path, target):
    if tree.below(path, "tests"):
        return None
    names = [name for name, pattern in PACKAGES.items() if re.match(pattern, target)]
    if not names:
        if STANDARD.match(target):
            return None
        return f"<{target}> belongs to no package of the table"
    _, public, private = table.rows[table.layer_of(path)]
    allowed = public + ([] if path.endswith((".h", ".cuh")) else private)
    if not any(name in allowed for name in names):
        where = "headers of " if names[0] in private else ""
        return f"<{target}> ({names[0]}) is not for {where}{table.layer_of(path)}"
    return None


def check(root):
    table = Table(tree.read(root, "ARCHITECTURE.md"))
    findings = list(table.problems)
    for path in tree.files(root, tree.CPP):
        if table.layer_of(path) is None and not tree.below(path, "tests"):
            findings.append(f"{path}: in no layer of the table")
            continue
        text = tree.read(root, path)
        for match in INCLUDE.finditer(text):
            project, system = match.groups()
            problem = (check_project_include(table, root, path, project) if project
                       else check_system_include(table, path, system))
            if problem:
                line = text.count("\n", 0, match.start(1 if project else 2)) + 1
                findings.append(f"{path}:{line}: {problem}")
    return findings


if __name__ == "__main__":
    sys.exit(tree.report(check(sys.argv[1])))
