# SPDX-License-Identifier: Apache-2.0
"""Nothing that sends can reach the levels of the offline evaluation.

src/eval/filing.c files every key under itself and knows the flights by which single strokes could
be put back into order. Its functions must be in the command line alone: not in the library, not in
the server, not in the browser's module; and a program that asks the library for them does not link.

Arguments: the source tree, the build tree, the sanitizers (or none), the compiler.
"""
import os
import re
import subprocess
import sys
import tempfile

source, build, sanitize, *compiler = sys.argv[1:]
failures = []


def check(good, what):
    print(("ok   " if good else "FAILED ") + what)
    if not good:
        failures.append(what)


def symbols(path, *options):
    out = subprocess.run(["nm", *options, path], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1] for line in out.splitlines() if len(line.split()) > 1}


def declared_in(header):
    text = open(os.path.join(source, header), encoding="utf-8").read()
    return set(re.findall(r"\b(idem_[a-z_]+)\(", text))


def link(text, *libraries):
    """The linker's complaint, empty when the program links."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "try.c")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        flags = ["-fsanitize=" + sanitize] if sanitize != "none" else []
        run = subprocess.run(
            [*compiler, *flags, "-w", "-I" + source + "/include", "-I" + source + "/src", path,
             *libraries, "-lz", "-lpthread", "-lm", "-o", os.path.join(folder, "try")],
            capture_output=True, text=True, check=False)
        return "" if run.returncode == 0 else run.stderr


library = os.path.join(build, "src", "libidem.a")
server = os.path.join(build, "src", "server", "idem-server")
evaluation = os.path.join(build, "src", "eval", "libidem-eval.a")
reading = os.path.join(build, "src", "input", "libidem-input.a")

# Which names are forbidden: what the header declares, and whatever else the object defines.
forbidden = {name for name in declared_in("src/eval/filing.h") if name.startswith("idem_filing_")}
check(len(forbidden) >= 3, "the header of the offline levels declares its functions")
check(forbidden <= symbols(evaluation, "--defined-only"),
      "the evaluation library has them (else this test looks for the wrong names)")

for path in (library, server):
    held = {name for name in symbols(path) if "filing" in name}
    check(not held, os.path.basename(path) + " holds none of them")
check("idem_zoning_init" in symbols(library), "the library's own symbols are visible to nm")
check(any(name.startswith("idem_") for name in symbols(server)), "the server's are too")

# The browser's module: built from the edge's folders only, and stripped, so its text is searched.
subprocess.run(["sh", "src/wasm/build.sh"], cwd=source, check=True)
with open(os.path.join(source, "src/wasm/build.sh"), encoding="utf-8") as script:
    sources = re.search(r'sources="(.*)"', script.read()).group(1)
folders = set(re.findall(r"src/([a-z]+)/", sources))
check(folders <= {"wasm", "base", "window", "guard"}, "the module is made of the edge's sources only")
with open(os.path.join(source, "sdk/dist/idem-edge.wasm"), "rb") as module:
    binary = module.read()
check(b"edge_key" in binary, "the module's exports are readable")
check(b"filing" not in binary, "the module holds none of them")

# No room but the tools' includes the header.
for folder in ("base", "window", "model", "wire", "store", "bus", "server", "wasm", "guard", "agent"):
    for where, _, names in os.walk(os.path.join(source, "src", folder)):
        for name in names:
            with open(os.path.join(where, name), encoding="utf-8", errors="replace") as text:
                if "eval/" in text.read():
                    check(False, "src/%s/%s does not look into src/eval" % (folder, name))

# The proof by the linker.
uses_library = """
#include "window/zones.h"
int main(void) { struct idem_zoning z; return idem_zoning_init(&z, IDEM_LEVEL_MIXED); }
"""
uses_offline = """
#include "eval/filing.h"
int main(void) { struct idem_filing f; return idem_filing_init(&f, "key", "dd,ud,uu", 0); }
"""
complaint = link(uses_library, library)
check(complaint == "", "an honest program links against the library " + complaint[:300])
check("idem_filing_init" in link(uses_offline, library),
      "a program that asks for the offline levels does not link")
complaint = link(uses_offline, evaluation, reading, library)
check(complaint == "", "it does against the evaluation's library " + complaint[:300])
sys.exit(1 if failures else 0)
