"""Rules that can be seen in the text.   text_rules.py ROOT"""

import os
import re
import sys

import tree

MAX_COLUMNS = 100
MAX_LINES = 500
MAX_README_LINES = 15

PROGRAM = tuple(folder for folder in tree.CODE_FOLDERS if folder != "tests")
# (pattern in code, folders, what to do instead, the one file it is for)
BANNED = [
    (r"\bstd::unordered_", tree.DETERMINISTIC, "use LookupMap, std::map or a sorted vector",
     "engine/base/lookup_map.h"),
    (r"\bstd::\w+_distribution\b", tree.DETERMINISTIC, "use engine/base/distribution.h", None),
    (r"\bstd::(shuffle|sample|random_device|mt19937(_64)?|minstd_rand|default_random_engine)\b",
     tree.DETERMINISTIC, "draw from a named stream of engine/base/random.h", None),
    (r"\bstd::hash\b", tree.DETERMINISTIC, "name a hasher; std::hash may change with the library",
     None),
    (r"\b(std::sort|std::nth_element|std::partial_sort)\s*\([^;]*\bdouble\b", tree.DETERMINISTIC,
     "floats do not order behaviour", None),
    (r"\bthread_local\b", PROGRAM, "state belongs to an object somebody owns", None),
    (r"\bis_simulat", tree.CODE_FOLDERS, "nothing may ask which world it is in", None),
    (r"\b(float|double|long double)\b", ("protocol",), "integers in the chain's code", None),
    (r"\breinterpret_cast\s*<\s*(std::)?u?intptr_t", tree.DETERMINISTIC,
     "addresses differ between runs", None),
    (r"\busing\s+namespace\b", PROGRAM, "name what is used", None),
    (r"\bassert\s*\(", PROGRAM, "ENSURE is on in every build", None),
    (r"\bcatch\s*\(\s*\.\.\.\s*\)\s*\{\s*\}", tree.CODE_FOLDERS, "nothing is swallowed", None),
]
MARKERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
TEXT = tree.CPP + (".py", ".cmake", "CMakeLists.txt", ".md", ".yaml", ".sh", ".js", ".css")


def check_lines(path, text):
    limited = path.endswith(tree.CPP + (".py", ".cmake", "CMakeLists.txt"))  # not pages and files
    for number, line in enumerate(text.splitlines(), 1):
        if limited and len(line) > MAX_COLUMNS:
            yield f"{path}:{number}: {len(line)} columns, at most {MAX_COLUMNS}"
        if limited and line != line.rstrip():
            yield f"{path}:{number}: white space at the end of the line"
        if limited and "\t" in line:
            yield f"{path}:{number}: a tab"
        if MARKERS.search(line) and not tree.below(path, "tests/lint"):
            yield f"{path}:{number}: do it, or write down why not"
    if text and not text.endswith("\n"):
        yield f"{path}: no newline at the end"


def check_code(path, text):
    lines = text.count("\n")
    if lines > MAX_LINES:
        yield f"{path}: {lines} lines, at most {MAX_LINES}: split it by idea"
    if path.endswith(".h") and "#pragma once" not in text:
        yield f"{path}: no #pragma once"
    if path.endswith(".h") and not text.startswith("//"):
        yield f"{path}: a header begins with what it is for"
    code = tree.code_only(text)
    for pattern, folders, advice, home in BANNED:
        if path == home or not any(tree.below(path, folder) for folder in folders):
            continue
        for match in re.finditer(pattern, code):
            line = code.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: {match.group().strip()}: {advice}"


def check_readmes(root):
    for top in tree.CODE_FOLDERS:
        folder = os.path.join(root, top)
        for name in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
            path = os.path.join(top, name)
            if not any(found for _, _, found in os.walk(os.path.join(root, path))):
                continue  # empty folders are not in the repository
            readme = os.path.join(path, "README.md")
            if name == "__pycache__" or not os.path.isdir(os.path.join(root, path)):
                continue
            if not os.path.isfile(os.path.join(root, readme)):
                yield f"{path}: no README.md (what lives here, what must not, who may include it)"
            elif tree.read(root, readme).count("\n") > MAX_README_LINES:
                yield f"{readme}: more than {MAX_README_LINES} lines"


def check_documents(root):
    """Paths that the documents name must exist."""
    documents = [name for name in sorted(os.listdir(root)) if name.endswith(".md")]
    documents += [path for path in tree.files(root, ("README.md",))]
    named = re.compile(r"`((?:%s)/[\w./-]*)`" % "|".join(tree.CODE_FOLDERS))
    for document in documents:
        text = tree.read(root, document)
        if document == "CHANGELOG.md":  # it tells of the past
            continue
        for match in named.finditer(text):
            if not os.path.exists(os.path.join(root, match.group(1).rstrip("/."))):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{document}:{line}: {match.group(1)} does not exist"


def check(root):
    findings = []
    for path in tree.files(root, TEXT):
        text = tree.read(root, path)
        findings += check_lines(path, text)
        if path.endswith(tree.CPP):
            findings += check_code(path, text)
    findings += check_readmes(root)
    findings += check_documents(root)
    return findings


if __name__ == "__main__":
    sys.exit(tree.report(check(sys.argv[1])))
