"""How device code rounds.   ptx_rules.py BUILD

Exact-f32 is one text for processor and devices (gpu/api/f32_math.h), but a device's compiler may
round it otherwise: fuse a * b + c, approximate quotients, flush subnormals. Reads the PTX in the
objects of gpu/cuda, where kernels are named after their bodies. A build without CUDA has none.
"""

import os
import re
import sys

import tree

FLOAT = re.compile(rb"\b((?:fma|mad|add|sub|mul|div|rcp|sqrt|rsqrt|ex2|lg2|sin|cos|tanh)"
                   rb"(?:\.\w+)*\.f(?:16|32|64)\w*)")
ALLOWED = re.compile(r"(add|sub|mul|div|rcp|sqrt)\.rn\.f32")
FUSED = "fma.rn.f32"
FUSES = ("F32Gram", "F32Products")  # whose text says so
BODY = re.compile(r"6bodies\d+(\w+?)EEEv")


def entries(data):
    """(name, text) of each kernel in an object with PTX as plain text."""
    for part in re.split(rb"\.entry\s+", data)[1:]:
        name = re.match(rb"\w+", part).group().decode()
        yield name, part.split(b"\0")[0]


def object_findings(path):
    with open(path, "rb") as file:
        data = file.read()
    seen = 0
    for name, text in entries(data):
        body = BODY.search(name)
        if not body:
            continue
        seen += 1
        for found in sorted(set(FLOAT.findall(text))):
            operation = found.decode()
            if ALLOWED.fullmatch(operation):
                continue
            if operation == FUSED and body.group(1) in FUSES:
                continue
            yield f"{path}: {body.group(1)} uses {operation}, which exact-f32 has not"
    if seen == 0 and os.path.basename(path).startswith("cuda_device"):
        yield f"{path}: no PTX of a kernel is to be found"


def check(build):
    findings = []
    for base, _, names in os.walk(os.path.join(build, "gpu", "cuda")):
        for name in sorted(names):
            if name.endswith(".cu.o"):
                findings += object_findings(os.path.join(base, name))
    return findings


if __name__ == "__main__":
    sys.exit(tree.report(check(sys.argv[1])))
