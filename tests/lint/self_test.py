"""Each rule of the lint catches what it is for and lets the right form pass.

Small trees and objects are made in a temporary folder, so nothing wrong lives in the repository.
    self_test.py COMPILER CMAKE
"""

import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

import layers
import packages
import ptx_rules
import symbols
import text_rules

COMPILER, CMAKE = sys.argv[1:3]

TABLE = """\
| layer | may include | third-party | only in .cc |
|---|---|---|---|
| engine/base | | fmt | OpenSSL |
| engine/sim | engine/base | | |
| protocol | engine/base | | |
| harness | engine, protocol | | files |

Inside `protocol/`, a folder may include those before it: `types` `ledger`
`node`.
"""


class Tree:
    """A source tree in a temporary folder."""

    def __init__(self, root):
        self.root = root

    def write(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)
        return full


class Case(unittest.TestCase):
    def tree(self, architecture=None):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        tree = Tree(folder.name)
        if architecture:
            tree.write("ARCHITECTURE.md", architecture)
        return tree


class Layers(Case):
    def findings(self, path, line):
        tree = self.tree(TABLE)
        for header in ("engine/base/a.h", "engine/sim/a.h", "protocol/types/a.h",
                       "protocol/ledger/a.h", "harness/run/a.h"):
            tree.write(header, "// A.\n")
        tree.write(path, line + "\n")
        return layers.check(tree.root)

    def test_what_the_table_allows_passes(self):
        for path, line in [("engine/sim/b.cc", '#include "engine/base/a.h"'),
                           ("protocol/node/b.cc", '#include "protocol/ledger/a.h"'),
                           ("harness/run/b.cc", '#include "engine/sim/a.h"'),
                           ("engine/base/b.h", "#include <fmt/format.h>"),
                           ("engine/base/b.cc", "#include <openssl/sha.h>"),
                           ("protocol/types/b.h", "#include <vector>"),
                           ("harness/run/b.cc", "#include <fstream>"),
                           ("tests/unit/b.cc", "#include <gtest/gtest.h>")]:
            self.assertEqual(self.findings(path, line), [], line)

    def test_each_wrong_include_is_found(self):
        for path, line, word in [
                ("protocol/node/b.cc", '#include "engine/sim/a.h"', "may not include"),
                ("engine/sim/b.cc", '#include "protocol/types/a.h"', "may not include"),
                ("engine/base/b.cc", '#include "engine/sim/a.h"', "may not include"),
                ("protocol/node/b.cc", '#include "harness/run/a.h"', "may not include"),
                ("protocol/types/b.h", '#include "protocol/ledger/a.h"', "comes after"),
                ("protocol/other/b.h", '#include "protocol/ledger/a.h"', "no place"),
                ("engine/base/b.h", '#include "a.h"', "does not exist"),
                ("engine/base/b.h", "#include <openssl/sha.h>", "not for headers"),
                ("protocol/node/b.cc", "  #  include <thread>", "threads"),
                ("protocol/node/b.cc", "#include <chrono>", "clocks"),
                ("engine/sim/b.cc", "#include <random>", "random"),
                ("engine/sim/b.cc", "#include <sys/socket.h>", "POSIX"),
                ("engine/sim/b.cc", "#include <strange/lib.h>", "no package"),
                ("engine/new/b.h", "", "in no layer")]:
            found = self.findings(path, line)
            self.assertEqual(len(found), 1, (path, line, found))
            self.assertIn(word, found[0])

    def test_a_header_that_the_build_writes_is_named_by_its_cmake_file(self):
        tree = self.tree(TABLE)
        tree.write("harness/run/b.cc", '#include "commit.h"\n')
        self.assertIn("does not exist", layers.check(tree.root)[0])
        tree.write("harness/run/CMakeLists.txt", "add_custom_command(OUTPUT commit.h)\n")
        self.assertEqual(layers.check(tree.root), [])

    def test_a_missing_table_is_found(self):
        tree = self.tree("nothing here\n")
        self.assertTrue(layers.check(tree.root))


class TextRules(Case):
    def findings(self, path, text):
        tree = self.tree()
        tree.write(path, text)
        tree.write(os.path.join(*path.split("/")[:2], "README.md"), "What lives here.\n")
        return text_rules.check(tree.root)

    def test_a_clean_header_passes(self):
        text = ('// Not std::hash, "double" or a tab.\n#pragma once\n'
                'const char* s = "std::shuffle";\n')
        self.assertEqual(self.findings("protocol/types/a.h", text), [])

    def test_each_rule_finds_its_case(self):
        for text, word in [
                ("std::unordered_map<int, int> m;\n", "LookupMap"),
                ("std::uniform_int_distribution<int> d;\n", "distribution.h"),
                ("std::shuffle(a, b, c);\n", "named stream"),
                ("std::hash<int> h;\n", "hasher"),
                ("thread_local int x;\n", "somebody owns"),
                ("if (env.is_simulated()) {}\n", "which world"),
                ("double x = 0;\n", "integers"),
                ("using namespace orrery;\n", "name what is used"),
                ("assert(x);\n", "ENSURE"),
                ("try { f(); } catch (...) {}\n", "swallowed"),
                ("auto key = reinterpret_cast<std::uintptr_t>(p);\n", "addresses"),
                ("// " + "x" * 98 + "\n", "columns"),
                ("int x; \n", "white space"),
                ("\tint x;\n", "a tab"),
                ("int x;", "newline"),
                ("// TO" + "DO later\n", "write down"),
                ("int x;\n" * 501, "split it")]:
            found = self.findings("protocol/types/a.cc", text)
            self.assertEqual(len(found), 1, (text[:60], found))
            self.assertIn(word, found[0])

    def test_header_form_is_checked(self):
        found = "\n".join(self.findings("engine/base/a.h", "int x;\n"))
        self.assertIn("no #pragma once", found)
        self.assertIn("begins with what it is for", found)

    def test_readmes_are_asked_for_and_short(self):
        tree = self.tree()
        tree.write("engine/base/a.cc", "int f();\n")
        self.assertIn("no README.md", text_rules.check(tree.root)[0])
        tree.write("engine/base/README.md", "line\n" * 16)
        self.assertIn("more than 15", text_rules.check(tree.root)[0])

    def test_documents_name_paths_that_exist(self):
        tree = self.tree()
        tree.write("README.md", "See `engine/nowhere.h`.\n")
        self.assertIn("engine/nowhere.h does not exist", text_rules.check(tree.root)[0])


class Symbols(Case):
    def findings(self, source, code):
        tree = self.tree()
        file = tree.write(source, code)
        folder, name = source.rsplit("/", 1)
        layer = "_".join(folder.split("/")[:2])
        target = os.path.join(tree.root, "build", folder, "CMakeFiles", f"orrery_{layer}.dir")
        os.makedirs(target)
        subprocess.run([COMPILER, "-std=c++20", "-O2", "-fPIC", "-c", file, "-o",
                        os.path.join(target, name + ".o")], check=True)
        return symbols.check(os.path.join(tree.root, "build"), tree.root)

    def test_each_way_out_is_found(self):
        for code, word in [
                ("#include <chrono>\nusing namespace std::chrono;\n"
                 "auto f() { return steady_clock::now(); }", "clock"),
                ("#include <chrono>\nusing namespace std::chrono;\n"
                 "auto f() { return system_clock::now(); }", "clock"),
                ("#include <ctime>\nlong f() { return std::time(nullptr); }", "clock"),
                ("#include <thread>\nvoid f() { std::thread([] {}).join(); }", "thread"),
                ("#include <mutex>\nvoid f(std::mutex& m) { std::scoped_lock lock(m); }", "thread"),
                ("#include <random>\nunsigned f() { return std::random_device()(); }", "random"),
                ("#include <cstdlib>\nint f() { return std::rand(); }", "random"),
                ("#include <fstream>\nbool f() { return !std::ifstream(\"a\"); }", "file"),
                ("#include <cstdio>\nvoid f() { std::puts(\"a\"); }", "file"),
                ("#include <sys/socket.h>\nint f() { return socket(1, 2, 3); }", "socket"),
                ("#include <cstdlib>\nchar* f() { return std::getenv(\"A\"); }", "environment"),
                ("#include <unistd.h>\nint f() { return getpid(); }", "environment"),
                ("#include <locale>\nauto f() { return std::locale(); }", "locale"),
                ("#include <cstdlib>\nvoid f() { std::exit(1); }", "process")]:
            found = "\n".join(self.findings("engine/sim/a.cc", code))
            self.assertIn(f"reaches for a {word}", found, code)

    def test_writable_data_is_found(self):
        for code in ["int calls; int f() { return ++calls; }",
                     "int f() { static int calls = 3; return ++calls; }",
                     "thread_local int calls = 1; int f() { return ++calls; }",
                     "#include <vector>\nauto& f() { static std::vector<int> v{1}; return v; }"]:
            self.assertIn("can change", "\n".join(self.findings("engine/sim/a.cc", code)), code)

    def test_float_arithmetic_is_found_in_protocol_only(self):
        for code in ["double f(double a) { return a * 1.5; }",
                     "double f(long a) { return static_cast<double>(a); }",
                     "bool f(double a, double b) { return a < b; }",
                     "float f(float a, float b) { return a + b; }",
                     "long double f(long double a) { return a * a; }",
                     "float f(const float* a) { float s = 0; for (int i = 0; i < 64; ++i) "
                     "s += a[i]; return s; }"]:
            self.assertIn("floating-point", "\n".join(self.findings("protocol/work/a.cc", code)),
                          code)
            self.assertEqual(self.findings("engine/sim/a.cc", code), [], code)

    def test_ordinary_code_passes(self):
        code = """
            #include <map>
            #include <memory>
            #include <stdexcept>
            #include <string>
            #include <unordered_map>
            namespace { const char* const kNames[] = {"a", "b"}; constexpr int kTable[] = {1, 2}; }
            struct Base { virtual ~Base() = default; virtual int f(int i) { return kTable[i]; } };
            struct Derived final : Base { int f(int i) override { return i * 3; } };
            std::shared_ptr<Base> make(int i) {
              std::unordered_map<std::uint64_t, std::string> m{{1, kNames[i & 1]}};
              std::map<std::string, __int128> n{{m[1], 5}};
              long sums[64] = {};
              for (int j = 0; j < 64; ++j) sums[j] += j * i;
              if (n.empty() || sums[i] < 0) throw std::runtime_error("never " + m[1]);
              return std::make_shared<Derived>();
            }
            """
        self.assertEqual(self.findings("protocol/work/a.cc", code), [])

    def test_a_build_without_objects_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertIn("build first", symbols.check(folder, folder)[0])


class PtxRules(Case):
    def findings(self, body, operation):
        tree = self.tree()
        kernel = f"_ZN6orrery3gpu10warp_itemsINS0_6bodies{len(body)}{body}EEEvT_j"
        tree.write("gpu/cuda/x.dir/cuda_device.cu.o",
                   f"\0.visible .entry {kernel}(\n {operation} %f1, %f2, %f3;\n\0 fma.rn.f32")
        return ptx_rules.check(tree.root)

    def test_operations_that_round_otherwise_are_found(self):
        for operation in ["fma.rn.f32", "mad.f32", "div.full.f32", "div.approx.f32", "mul.ftz.f32",
                          "mul.rn.ftz.f32", "sqrt.approx.f32", "ex2.approx.ftz.f32", "add.f64"]:
            self.assertIn("NormRows uses " + operation,
                          "\n".join(self.findings("NormRows", operation)))

    def test_rounded_ones_pass_and_fused_ones_where_they_are_meant(self):
        for operation in ["add.rn.f32", "sub.rn.f32", "mul.rn.f32", "div.rn.f32", "rcp.rn.f32",
                          "sqrt.rn.f32", "add.s32", "mad.lo.s32", "ld.global.f32"]:
            self.assertEqual(self.findings("NormRows", operation), [], operation)
        self.assertEqual(self.findings("F32Products", "fma.rn.f32"), [])

    def test_an_object_without_ptx_is_found(self):
        tree = self.tree()
        tree.write("gpu/cuda/x.dir/cuda_device.cu.o", "compressed")
        self.assertIn("no PTX", "\n".join(ptx_rules.check(tree.root)))


class Headers(Case):
    """The build's own check that a header compiles alone notices a missing include."""

    def build(self, header):
        tree = self.tree()
        tree.write("a.h", header)
        tree.write("CMakeLists.txt", textwrap.dedent("""\
            cmake_minimum_required(VERSION 3.25)
            project(headers LANGUAGES CXX)
            add_library(a INTERFACE)
            target_sources(a INTERFACE FILE_SET HEADERS BASE_DIRS . FILES a.h)
            set_target_properties(a PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
            """))
        build = os.path.join(tree.root, "build")
        subprocess.run([CMAKE, "-S", tree.root, "-B", build, "-G", "Ninja",
                        f"-DCMAKE_CXX_COMPILER={COMPILER}"], check=True, capture_output=True)
        return subprocess.run([CMAKE, "--build", build, "--target",
                               "all_verify_interface_header_sets"], capture_output=True, text=True)

    def test_a_header_that_leans_on_its_includer_fails(self):
        self.assertEqual(self.build("#include <string>\nstd::string f();\n").returncode, 0)
        broken = self.build("std::string f();\n")
        self.assertNotEqual(broken.returncode, 0)
        self.assertIn("std", broken.stdout)


class Packages(Case):
    def findings(self, line, cmake):
        tree = self.tree()
        tree.write("harness/packages.txt", line + "\n")
        tree.write("harness/cmake/a.cmake", cmake)
        return packages.check(tree.root)

    def test_a_used_package_passes(self):
        self.assertEqual(self.findings("run libfmt-dev  text", "find_package(fmt REQUIRED)\n"), [])

    def test_unused_unknown_and_missing_packages_are_found(self):
        self.assertIn("nothing uses", self.findings("run libfmt-dev  text", "\n")[0])
        self.assertIn("does not know", self.findings("run libstrange-dev  text", "\n")[0])
        self.assertIn("no reason", self.findings("run g++", "\n")[0])
        self.assertIn("not listed",
                      self.findings("run g++  compiler", "find_package(fmt REQUIRED)\n")[0])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
