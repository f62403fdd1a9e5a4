"""harness/packages.txt against what the build asks for.   packages.py ROOT

A library in the list must be linked by some CMake file, and a library that CMake looks for must be
in the list: a bare machine installs what the list says and nothing else.
"""

import re
import sys

import tree

# Debian package -> a pattern in CMake files or sources that shows its use.
USES = {
    "libexpected-dev": r"tl::expected",
    "libfmt-dev": r"fmt::fmt|find_package\(fmt",
    "libssl-dev": r"OpenSSL::",
    "libsodium-dev": r"PkgConfig::sodium",
    "nlohmann-json3-dev": r"nlohmann_json::",
    "libyaml-cpp-dev": r"yaml-cpp",
    "libcli11-dev": r"CLI11::",
    "libspdlog-dev": r"spdlog::",
    "libboost-dev": r"Boost::|find_package\(Boost",
    "libboost-graph-dev": r"Boost::graph|boost/graph",
    "librocksdb-dev": r"PkgConfig::rocksdb",
    "libeigen3-dev": r"Eigen3::",
    "libzstd-dev": r"zstd",
    "python3-dev": r"pybind11",
    "pybind11-dev": r"pybind11",
    "libgtest-dev": r"GTest::",
    "libgmock-dev": r"GTest::gmock|gmock",
    "libbenchmark-dev": r"benchmark::",
    "libns3-dev": r"ns3/core-module\.h",
    "libsimgrid-dev": r"simgrid/s4u\.hpp",
    "libopenblas0-pthread": r"libopenblas\.so",
    "libdnnl2": r"libdnnl\.so",
    "python3-numpy": r"\bimport numpy|pybind11/numpy",
    "python3-pandas": r"\bimport pandas|\"pandas\"",
    "python3-plotly": r"python3-plotly|\bimport plotly",
    "libonnx-testdata": r"libonnx-testdata",
    "python3-torch": r"\bimport torch\b",
    "python3-pytest": r"\bpytest\b",
    "esbuild": r"\besbuild\b",
    "chromium": r"\bchromium\b",
    "chromium-driver": r"\bchromedriver\b",
    "prometheus": r"\bprometheus\b",
}
# Used by the scripts and presets themselves.
TOOLS = ("g++", "cmake", "ninja-build", "ccache", "pkg-config", "clang-16", "libclang-rt-16-dev")
# What CMake looks for -> the package that brings it.
FINDS = {
    "fmt": "libfmt-dev", "tl-expected": "libexpected-dev", "OpenSSL": "libssl-dev",
    "nlohmann_json": "nlohmann-json3-dev", "yaml-cpp": "libyaml-cpp-dev", "CLI11": "libcli11-dev",
    "spdlog": "libspdlog-dev", "Boost": "libboost-dev", "RocksDB": "librocksdb-dev",
    "Eigen3": "libeigen3-dev", "pybind11": "pybind11-dev", "GTest": "libgtest-dev",
    "benchmark": "libbenchmark-dev",
}
BUILT_IN = ("PkgConfig", "Threads", "Python", "Python3", "CUDAToolkit")


def check(root):
    findings, listed = [], []
    code = "\n".join(tree.read(root, path) for path in tree.files(
        root, tree.CPP + ("CMakeLists.txt", ".cmake", ".py")) if not tree.below(path, "tests/lint"))
    for number, line in enumerate(tree.read(root, "harness/packages.txt").splitlines(), 1):
        fields = line.split(None, 2)
        if not fields or line.startswith("#"):
            continue
        if len(fields) < 3:
            findings.append(f"harness/packages.txt:{number}: no reason given")
            continue
        package = fields[1]
        listed.append(package)
        if package in TOOLS:
            continue
        if package not in USES:
            findings.append(f"harness/packages.txt:{number}: tests/lint does not know {package}")
        elif not re.search(USES[package], code):
            findings.append(f"harness/packages.txt:{number}: nothing uses {package}")
    for name in sorted(set(re.findall(r"find_package\(\s*([\w-]+)", code))):
        if name not in BUILT_IN and FINDS.get(name) not in listed:
            findings.append(f"CMake looks for {name}, whose package is not listed")
    return findings


if __name__ == "__main__":
    sys.exit(tree.report(check(sys.argv[1])))
