#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks every #include under src/ and include/ against the order of the floors (DESIGN section 2).

Usage: check_floors.py ROOT      check the tree at ROOT
       check_floors.py --self-test  check that each rule finds a planted violation
"""

import pathlib
import re
import sys
import tempfile

# From the ground up. Folders of one row do not include each other.
FLOORS = [
    ["base"],
    ["emu", "loader"],
    ["ntos/inc"],
    ["ntos/ke"],
    ["ntos/ob"],
    ["ntos/io", "ntos/lpc", "ntos/cm"],
    ["ntos/mm"],
    ["ntos/ps"],
    ["dbgk"],
    ["ntos/trap"],
    ["ntos/life", "ntos/kd"],
    ["ntos/svc"],
    ["machine"],
    ["client"],
    ["explore"],
    ["cli"],
]
HEIGHT = {folder: height for height, row in enumerate(FLOORS) for folder in row}

# Which folders may include the headers of a library.
LIBRARY_USERS = {
    "unicorn/": {"emu"},
    "capstone": {"emu"},
    "LIEF/": {"loader"},
    "boost/": {"base"},
    "nettle/": {"base"},
    "jansson": {"cli"},
}

# The host's own headers: calls of the host are made in base; the command line may have its terminal and signals.
HOST_USERS = {"base", "cli"}
HOST_PREFIXES = ("sys/", "linux/", "asm/", "arpa/", "net/", "netinet/", "mach/")
HOST_HEADERS = {
    "dirent.h", "dlfcn.h", "fcntl.h", "glob.h", "grp.h", "langinfo.h", "locale.h", "netdb.h", "poll.h", "pwd.h",
    "sched.h", "signal.h", "spawn.h", "syslog.h", "termios.h", "time.h", "ucontext.h", "unistd.h", "utime.h",
}
HOST_TYPES_ONLY = {"sys/types.h"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
CODE = {".c", ".h", ".cpp", ".hpp", ".S", ".inc", ".def"}


def folder_of(path):
    """The floor that a path relative to src/ belongs to, or None."""
    parts = path.parts[:-1]
    for length in (2, 1):
        name = "/".join(parts[:length])
        if len(parts) >= length and name in HEIGHT:
            return name
    return None


def code_files(top):
    return sorted(path for path in top.rglob("*") if path.suffix in CODE and path.is_file())


def includes(path):
    for match in INCLUDE.finditer(path.read_text(encoding="utf-8", errors="replace")):
        yield match.group(1) == '"', match.group(2)


def resolve(src, file, quoted, name):
    """The included file relative to src/, or None if it is not of this tree."""
    candidates = ([file.parent / name] if quoted else []) + [src / name]
    for candidate in candidates:
        if candidate.is_file():
            try:
                return candidate.resolve().relative_to(src.resolve())
            except ValueError:
                return None
    # A generated header is named by its folder, too.
    return pathlib.PurePosixPath(name) if folder_of(pathlib.PurePosixPath(name)) else None


def rule_broken(folder, target):
    """Why a file of `folder` may not include one of `target`, or None."""
    if target == folder or HEIGHT[target] < HEIGHT[folder]:
        return None
    if HEIGHT[target] == HEIGHT[folder]:
        return f"{folder} and {target} are on one floor and do not include each other"
    return f"{target} lies above {folder}"


def library_rule_broken(folder, name):
    for prefix, users in LIBRARY_USERS.items():
        if name.startswith(prefix) and folder not in users:
            return f"only {', '.join(sorted(users))} may include {prefix}"
    is_host = name in HOST_HEADERS or name.startswith(HOST_PREFIXES)
    if is_host and name not in HOST_TYPES_ONLY and folder not in HOST_USERS:
        return "host system headers belong to base"
    return None


def check_source(root):
    src = root / "src"
    for file in code_files(src):
        shown = file.relative_to(root)
        folder = folder_of(file.relative_to(src))
        if folder is None:
            yield f"{shown}: its folder is on no floor"
            continue
        if file.suffix in (".cpp", ".hpp") and folder != "loader":
            yield f"{shown}: C++ belongs to loader"
        for quoted, name in includes(file):
            target = resolve(src, file, quoted, name)
            if target is None:
                reason = library_rule_broken(folder, name)
            elif folder_of(target) is None:
                reason = "the folder of that file is on no floor"
            else:
                reason = rule_broken(folder, folder_of(target))
            if reason:
                yield f'{shown}: includes "{name}": {reason}'


def check_public(root):
    """Public headers stand alone."""
    for file in code_files(root / "include"):
        for quoted, name in includes(file):
            own = name.startswith("dbgksim/") or (quoted and (file.parent / name).is_file())
            if not own and (quoted or "/" in name or library_rule_broken("include", name)):
                yield f'{file.relative_to(root)}: includes "{name}": a public header needs only its own and C\'s'


def check(root):
    return [*check_source(root), *check_public(root)]


GOOD_TREE = {
    "include/dbgksim/api.h": "#include <stdint.h>\n#include <dbgksim/types.h>\n",
    "include/dbgksim/types.h": "",
    "src/base/pool.h": "",
    "src/base/host.c": '#include "base/pool.h"\n#include <sys/mman.h>\n#include <unistd.h>\n',
    "src/emu/emu.h": "",
    "src/emu/emu.c": '#include "emu.h"\n#include "base/pool.h"\n#include <unicorn/unicorn.h>\n',
    "src/loader/loader.h": "#include <sys/types.h>\n",
    "src/loader/lief.cpp": "#include <LIEF/PE.hpp>\n",
    "src/ntos/ke/ke.h": "",
    "src/ntos/io/io.h": '#include "ntos/ke/ke.h"\n',
    "src/ntos/cm/cm.h": '#include "../ke/ke.h"\n',
    "src/ntos/ps/ps.h": "",
    "src/ntos/life/life.h": '#include "ntos/ps/ps.h"\n#include "dbgk/dbgk.h"\n',
    "src/ntos/kd/kd.h": "",
    "src/dbgk/dbgk.h": '#include "ntos/ps/ps.h"\n',
    "src/cli/main.c": "#include <dbgksim/api.h>\n#include <signal.h>\n",
}

# A file, what is added to it, and a part of the message that must come.
PLANTED = [
    ("src/base/pool.h", '#include "emu/emu.h"', "emu lies above base"),
    ("src/emu/emu.h", '#include "loader/loader.h"', "one floor"),
    ("src/ntos/io/io.h", '#  include "ntos/cm/cm.h"', "one floor"),
    ("src/ntos/kd/kd.h", '#include "../life/life.h"', "one floor"),
    ("src/ntos/ps/ps.h", '#include "dbgk/dbgk.h"', "dbgk lies above ntos/ps"),
    ("src/ntos/ps/ps.h", "#include <dbgk/dbgk.h>", "dbgk lies above ntos/ps"),
    ("src/ntos/ke/ke.h", '#include "ntos/svc/generated.h"', "ntos/svc lies above ntos/ke"),
    ("src/dbgk/dbgk.h", "#include <unicorn/unicorn.h>", "only emu"),
    ("src/client/text.c", "#include <capstone/capstone.h>", "only emu"),
    ("src/ntos/ps/ps.h", "#include <LIEF/PE.hpp>", "only loader"),
    ("src/ntos/io/io.h", "#include <sys/mman.h>", "host system headers"),
    ("src/client/text.c", "\t#\tinclude <time.h>", "host system headers"),
    ("src/ntos/stray.h", "", "on no floor"),
    ("src/cli/main.c", '#include "ntos/stray.h"', None),
    ("src/dbgk/fast.cpp", "", "C++ belongs to loader"),
    ("include/dbgksim/api.h", '#include "base/pool.h"', "public header"),
    ("include/dbgksim/api.h", "#include <unistd.h>", "public header"),
]


def write_tree(root, tree):
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def self_test():
    failures = []
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        write_tree(root, GOOD_TREE)
        failures += [f"a good tree is refused: {message}" for message in check(root)]
    for name, line, expected in PLANTED:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            write_tree(root, GOOD_TREE | {name: GOOD_TREE.get(name, "") + line + "\n"})
            messages = check(root)
        # A header that does not exist is the compiler's to find.
        wanted = 0 if expected is None else 1
        if len(messages) != wanted or any(expected not in m or not m.startswith(name) for m in messages):
            failures.append(f"planted in {name}: {line!r}: found {messages}, expected {expected!r}")
    return failures


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    if arguments[0] == "--self-test":
        messages = self_test()
    else:
        root = pathlib.Path(arguments[0])
        if not (root / "src").is_dir():
            print(f"check_floors.py: no src folder in {root}", file=sys.stderr)
            return 2
        messages = check(root)
    for message in messages:
        print(message)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
