#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py OUTPUT NAME=FILE...: files as constant C arrays, so that a program carries what it starts from."""
import sys


def array(name, path):
    with open(path, "rb") as f:
        bytes_ = f.read()
    lines = [", ".join(str(b - 256 * (b > 127)) for b in bytes_[i:i + 20]) for i in range(0, len(bytes_), 20)]
    return (f"static const char {name}[] = {{\n    " + ",\n    ".join(lines) + ",\n    0};\n"
            f"enum {{ {name}_len = {len(bytes_)} }};\n")


with open(sys.argv[1], "w") as out:
    for part in sys.argv[2:]:
        out.write(array(*part.split("=", 1)))
