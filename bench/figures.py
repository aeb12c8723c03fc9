#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""figures.py - runs the evaluations behind the figures of README.md, docs/recognition.md, docs/ageing.md,
docs/guard.md, docs/guard-pointer.md and docs/guard-replay.md.

Each document holds pairs of markers, `<!-- figures:NAME -->` ... `<!-- /figures:NAME -->`. What stands between them
is made here: figures with 95 % intervals and the commands that they come from (figures_tables.py says which). JSON and
pages of every command stay in build/figures/, plots go to docs/img/.

  figures.py                 run everything, fill in
  figures.py --only NAME     only these tables (may be repeated)
  figures.py --check         run, but only compare: exit 1 and the differing lines when a table or a plot differs
  figures.py --reuse         take answers that build/figures/ already holds for the very same command

IDEM_CLI names the tool (default build/src/cli/idem), IDEM_DATA the folder of recordings (default ../shared/data).
Exit 0 done, 1 something differs or failed, 2 recordings are missing or the call is wrong."""
import argparse
import difflib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

import figures_derive
import figures_tables

MARKED = re.compile(r"<!-- figures:([\w-]+) -->\n(.*?)<!-- /figures:\1 -->", re.S)
DOCUMENTS = ("README.md", "docs/recognition.md", "docs/ageing.md", "docs/guard.md",
             "docs/guard-pointer.md", "docs/guard-replay.md")


class Failed(Exception):
    """A command did not answer; its tables stay as they are."""


class Runner:
    """Runs jobs, each at most once, and keeps what they answered."""

    def __init__(self, root, reuse):
        self.root = root
        self.reuse = reuse
        self.tool = os.environ.get("IDEM_CLI", "build/src/cli/idem")
        self.data = pathlib.Path(os.environ.get("IDEM_DATA", "../shared/data"))
        self.out = root / "build" / "figures"
        self.answers = {}

    def path(self, word):
        """$D is the folder of recordings, $B what was made from them."""
        return word.replace("$D", str(self.data)).replace("$B", "build/figures")

    def missing(self, jobs):
        """Recordings that these jobs need and that are not there, with the jobs that need them."""
        found = {}
        for job in jobs:
            for name in sorted(figures_derive.recordings(figures_tables.JOBS[job])):
                if not (self.root / self.data / name).is_file():
                    found.setdefault(name, []).append(job)
        return found

    def answer(self, job, count=(0, 0)):
        """The JSON of a job; a failure is remembered too."""
        if job not in self.answers:
            self.answers[job] = self.run(job, count)
        if self.answers[job] is None:
            raise Failed(job)
        return self.answers[job]

    def run(self, job, count):
        command = figures_tables.JOBS[job]
        kept, page, said = (self.out / (job + end) for end in (".json", ".html", ".command"))
        if self.reuse and kept.is_file() and said.is_file() and said.read_text() == command:
            return json.loads(kept.read_text())
        print("[%d/%d] %s" % (count[0] + 1, count[1], command), end=" ", flush=True)
        started = time.monotonic()
        figures_derive.make(command, self.root / self.data, self.out)
        words = [self.path(w) for w in shlex.split(command)[1:]]
        done = subprocess.run([self.tool, *words, "--json", "--html", str(page)], cwd=self.root, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        print("%.1f s" % (time.monotonic() - started), flush=True)
        if done.returncode:
            print("  failed, status %d: %s" % (done.returncode, done.stderr.strip()), flush=True)
            return None
        kept.write_text(done.stdout)
        said.write_text(command)
        return json.loads(done.stdout)

    def plot(self, job, title):
        """The plot of a job's page under this heading, as a file of its own."""
        text = (self.out / (job + ".html")).read_text()
        found = re.search(r"<h2>%s</h2>\s*(<svg.*?</svg>)" % re.escape(title), text, re.S)
        if not found:
            raise SystemExit("figures: the page of %s has no plot called %s" % (job, title))
        rules = re.findall(r"^(?::root|@media\(prefers|svg |\.(?!card|plots|key)).*$", text, re.M)
        return standalone(found.group(1), rules)


def standalone(svg, rules):
    """A page's svg with the page's colours and a ground of its own."""
    head, body = svg.split(">", 1)
    style = "<style>\n%s\n</style>" % "\n".join(rules)
    return ('<!-- SPDX-License-Identifier: Apache-2.0 -->\n%s xmlns="http://www.w3.org/2000/svg">\n%s\n'
            '<rect width="100%%" height="100%%" fill="var(--card)"/>%s\n') % (head, style, body)


def documents(root):
    """{path: text} of what may hold markers, and the names of all tables in them."""
    texts = {root / d: (root / d).read_text() for d in DOCUMENTS if (root / d).is_file()}
    names = [name for text in texts.values() for name, _ in MARKED.findall(text)]
    for text in texts.values():
        opened = re.findall(r"<!-- figures:([\w-]+) -->", text)
        if len(opened) != len(MARKED.findall(text)):
            raise SystemExit("figures: a marker is not closed; there are %s" % ", ".join(opened))
    return texts, names


def chosen(names, only):
    unknown = [n for n in (only or names) if n not in figures_tables.TABLES or n not in names]
    if unknown:
        print("figures: no such table: %s; there are %s" % (", ".join(unknown), ", ".join(names)),
              file=sys.stderr)
        raise SystemExit(2)
    return [n for n in names if not only or n in only]


def render(runner, names):
    """{table: text} and {file: svg}; the tables of failed jobs are left out and counted."""
    tables, plots, failed = {}, {}, 0
    jobs = list(dict.fromkeys(j for n in names for j in figures_tables.TABLES[n].jobs))
    for at, job in enumerate(jobs):
        try:
            runner.answer(job, (at, len(jobs)))
        except Failed:
            failed += 1
    for name in names:
        table = figures_tables.TABLES[name]
        try:
            tables[name] = table.render({j: runner.answer(j) for j in table.jobs})
            for file, job, title in table.plots:
                plots[file] = runner.plot(job, title)
        except Failed as job:
            print("figures: %s stays as it is, %s failed" % (name, job), file=sys.stderr)
    return tables, plots, failed


def fill(path, tables, check):
    """Reads the document again, for somebody may have written in it while the commands ran."""
    text = path.read_text()
    return settle(path, text, filled(text, tables), check)


def filled(text, tables):
    def body(found):
        name = found.group(1)
        new = tables.get(name, found.group(2).rstrip("\n"))
        return "<!-- figures:%s -->\n%s\n<!-- /figures:%s -->" % (name, new, name)
    return MARKED.sub(body, text)


def settle(path, old, new, check):
    """Writes what is new, or tells how it differs; whether it differed."""
    if old == new:
        return False
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(new)
        print("written: %s" % path)
        return True
    print("figures: %s differs from what the commands say" % path, file=sys.stderr)
    if path.suffix == ".md":
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), "as it stands", "as measured", "", "", 0, "")
        print("\n".join(lines), file=sys.stderr)
    return True


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--only", action="append", metavar="NAME")
    ask.add_argument("--check", action="store_true")
    ask.add_argument("--reuse", action="store_true")
    ask.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    given = ask.parse_args()
    texts, names = documents(given.root)
    names = chosen(list(dict.fromkeys(names)), given.only)
    runner = Runner(given.root, given.reuse)
    missing = runner.missing(dict.fromkeys(j for n in names for j in figures_tables.TABLES[n].jobs))
    for file, jobs in missing.items():
        print("figures: %s is missing, needed by %s" % (runner.data / file, ", ".join(jobs)), file=sys.stderr)
    if missing:
        print("figures: IDEM_DATA names the folder of the recordings; nothing was run", file=sys.stderr)
        return 2
    runner.out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    tables, plots, failed = render(runner, names)
    differs = [fill(path, tables, given.check) for path in texts]
    for file, svg in plots.items():
        path = given.root / "docs" / "img" / file
        differs.append(settle(path, path.read_text() if path.is_file() else None, svg, given.check))
    print("%d tables, %d plots, %.0f s" % (len(tables), len(plots), time.monotonic() - started))
    return 1 if failed or (given.check and any(differs)) else 0


if __name__ == "__main__":
    sys.exit(main())
