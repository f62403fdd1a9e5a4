"""What built objects reach for.   symbols.py BUILD ROOT

Text can hide a call behind a macro or a header; an object file cannot. Looks at the objects of the
deterministic layers with nm and objdump: no clocks, threads, random devices, files, sockets,
environment or locale; no writable data; no floating-point arithmetic in protocol/.
"""

import os
import re
import subprocess
import sys

import tree

# What an undefined symbol (demangled) must not match.
BANNED = {
    "clock": r"std::chrono::_V2::\w+::now|(clock_gettime|gettimeofday|time|clock|localtime(_r)?|"
             r"gmtime(_r)?|mktime|strftime|nanosleep|usleep|sleep)$",
    "thread": r"std::(thread|jthread|condition_variable\w*|__future_base|this_thread)\b|"
              r"(pthread_(create|join|mutex_\w+|cond_\w+|once|rwlock_\w+|key_create|"
              r"setspecific)|sem_\w+|sched_\w+|fork|__tls_get_addr|__cxa_thread_atexit)$",
    "random device": r"std::random_device|(s?rand(_r)?|s?random|[dlm]rand48|getrandom|getentropy|"
                     r"arc4random\w*|randombytes\w*|RAND_\w+|crypto_\w+_keygen)$",
    "file": r"(f?open(at)?(64)?|freopen|fread|fwrite|fputs|fprintf|printf|puts|putchar|creat|"
            r"mkstemp|unlink|rename|mkdir|opendir|readdir|f?stat(64)?|mmap(64)?)$|"
            r"std::(basic_[io]?fstream|basic_filebuf|filesystem|cout|cerr|clog|cin)\b",
    "socket": r"(socket|connect|bind|listen|accept4?|sendto|recvfrom|getaddrinfo|gethostname)$",
    "environment": r"(secure_)?getenv$|(set|put|unset)env$|environ$|(getpid|gettid|getuid)$",
    "locale": r"(setlocale|newlocale|uselocale|localeconv)$|std::locale\b|"
              r"std::basic_(stringstream|ostringstream|istringstream|ios)\b",
    "process": r"(exit|_exit|quick_exit|abort|system|popen|exec\w*)$",
}
FLOAT = re.compile(
    r"\s(v?(add|sub|mul|div|sqrt|min|max|round|rcp|rsqrt|u?comi|cmp\w*|fn?m(add|sub)\d*)"
    r"(ss|sd|ps|pd)"
    r"|v?cvt\w+|f(i?add|i?sub|i?mul|i?div|i?com|ild|istt?p?|sqrt|ld1|yl2x)\w*)\s")
CONVERTS_INTEGERS_ONLY = re.compile(r"v?cvt(dq2|ps2ph|ph2ps)\w*$")
TARGET = re.compile(r"(.*?)/CMakeFiles/orrery_\w+\.dir(/.*)?$")  # folder, folders below it
WRITABLE = re.compile(r"\.(data|bss|tdata|tbss)(\.|$)")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def objects(build, root, folders):
    """(source, object) for each object below `build` whose source still exists."""
    for folder in folders:
        for base, _, names in os.walk(os.path.join(build, folder.split("/")[0])):
            match = TARGET.match(os.path.relpath(base, build))
            if not match or "verify_interface" in base:
                continue
            for name in sorted(names):
                source = match.group(1) + (match.group(2) or "") + "/" + name[:-len(".o")]
                if name.endswith(".o") and tree.below(source, folder):
                    if os.path.exists(os.path.join(root, source)):
                        yield source, os.path.join(base, name)


def banned_symbols(path):
    for line in run("nm", "-C", "--undefined-only", path).splitlines():
        kind, _, name = line.strip().partition(" ")
        if kind not in ("U", "w"):
            continue
        for what, pattern in BANNED.items():
            if re.match(pattern, name):
                yield f"reaches for a {what}: {name}"


def writable_data(path):
    for line in run("objdump", "-t", "-C", "-w", path).splitlines():
        fields = re.match(r"[0-9a-f]+ (.{7}) (\S+)\s+([0-9a-f]+)\s+(?:\.hidden )?(.*)", line)
        if not fields or not WRITABLE.match(fields.group(2)) or "d" in fields.group(1):
            continue
        section, size, name = fields.group(2), int(fields.group(3), 16), fields.group(4)
        # Tables of constants with addresses in them are read-only after loading.
        if size == 0 or ".rel.ro" in section or name.startswith("DW.ref."):
            continue
        yield f"data that can change, in {section} (make constants constexpr): {name}"


def float_arithmetic(path):
    function, seen = "?", set()
    for line in run("objdump", "-d", "-C", "-w", "--no-show-raw-insn", path).splitlines():
        header = re.match(r"[0-9a-f]+ <(.*)>:$", line)
        if header:
            function = header.group(1)
            continue
        match = FLOAT.search(line.replace("\t", " ") + " ")
        if not match or CONVERTS_INTEGERS_ONLY.match(match.group(1)) or function in seen:
            continue
        seen.add(function)
        yield f"floating-point arithmetic ({match.group(1)}) in {function}"


def check(build, root):
    findings, count = [], 0
    for source, path in objects(build, root, tree.DETERMINISTIC):
        count += 1
        findings += [f"{source}: {text}" for text in banned_symbols(path)]
        findings += [f"{source}: {text}" for text in writable_data(path)]
        if tree.below(source, "protocol"):
            findings += [f"{source}: {text}" for text in float_arithmetic(path)]
    if count == 0:
        findings.append(f"{build}: no objects found; build first")
    return findings


if __name__ == "__main__":
    sys.exit(tree.report(check(sys.argv[1], sys.argv[2])))
