"""Writes unicode_tables.cc from Python's Unicode database.

unicode_tables.py > unicode_tables.cc
"""

import sys
import unicodedata

CLASSES = (("kLetters", lambda c: unicodedata.category(c).startswith("L")),
           ("kNumbers", lambda c: unicodedata.category(c).startswith("N")),
           ("kSpaces", lambda c: c in "\t\n\v\f\r\x85 \xa0\u2028\u2029\u202f\u205f\u3000\u1680"
            or 0x2000 <= ord(c) <= 0x200a))


def ranges(member):
    found = []
    for code in range(sys.maxunicode + 1):
        if 0xd800 <= code <= 0xdfff or not member(chr(code)):
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def main():
    print(f"// Unicode {unicodedata.unidata_version}, written by unicode_tables.py: do not edit.")
    print('#include "harness/model/unicode_tables.h"\n')
    print("namespace orrery::model {\nnamespace {\n")
    for name, member in CLASSES:
        print(f"constexpr CodeRange {name}[] = {{")
        line = "   "
        for first, last in ranges(member):
            item = f" {{{first:#x}, {last:#x}}},"
            if len(line) + len(item) > 100:
                print(line)
                line = "   "
            line += item
        print(line + "};\n")
    print("}  // namespace\n")
    for function, name in (("letter_ranges", "kLetters"), ("number_ranges", "kNumbers"),
                           ("space_ranges", "kSpaces")):
        print(f"std::span<const CodeRange> {function}() {{ return {name}; }}")
    print("\n}  // namespace orrery::model")


if __name__ == "__main__":
    main()
