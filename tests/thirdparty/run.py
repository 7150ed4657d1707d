#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""run.py PROGRAMS TEST COMMAND...: one test of a third-party Windows program.

PROGRAMS is the folder that ./fetch fills (it is called from here), TEST one of the functions below without its
"test_", COMMAND what runs a program, as `dbgksim run`. Exit status 77: skipped, with the reason.

A test makes its input in a folder that the program sees read-only as C:\\data; what programs write, they write to
standard output, or to a folder that is C:\\out. What is expected comes from other implementations (Python's hmac, bz2,
lzma, zipfile, zlib) or from the programs' documented formats.
"""
import bz2
import hmac
import io
import lzma
import os
import random
import re
import subprocess
import sys
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
SKIP = 77
TIMEOUT = 300  # seconds, for one program


class Failed(Exception):
    pass


def shown(output):
    """The end of an output that may be binary."""
    text = output[-3000:].decode("ascii", "backslashreplace")
    return "".join(c if c.isprintable() or c == "\n" else "." for c in text)


class Simulator:
    def __init__(self, command, programs, data):
        self.command, self.programs, self.data = command, programs, data
        self.roots = ["--map", data + "=C:\\data"]

    def write(self, name, content):
        """Makes C:\\data\\name."""
        path = os.path.join(self.data, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)

    def run(self, program, *args, status=0):
        """Runs a program and checks its exit status; gives the bytes of its standard output."""
        command = [*self.command, *self.roots, os.path.join(self.programs, program), *args]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Failed(f"no end after {TIMEOUT} s: {command}")
        if done.returncode != status:
            raise Failed(f"exit status {done.returncode}, not {status}: {command}\n"
                         f"--- stdout\n{shown(done.stdout)}\n--- stderr\n{shown(done.stderr)}")
        return done.stdout

    def text(self, program, *args, status=0):
        """The same for text: lines end with LF."""
        return self.run(program, *args, status=status).decode("utf-8").replace("\r\n", "\n")


def expect(actual, expected, what):
    if actual != expected:
        raise Failed(f"{what}: expected\n{expected!r:.2000}\nbut it is\n{actual!r:.2000}")


def expect_match(pattern, actual):
    if not re.search(pattern, actual, re.MULTILINE | re.DOTALL):
        raise Failed(f"nothing matches {pattern!r} in\n{actual:.4000}")


def sample(size, seed):
    """Bytes that compress neither well nor badly, with all byte values, the same every time."""
    source = random.Random(seed)
    words = [source.randbytes(source.randint(1, 12)) for _ in range(400)]
    out = bytearray(b"\r\n\x1a\x00 text\n")
    while len(out) < size:
        out += source.choice(words)
    return bytes(out[:size])


def test_hmac256(sim):
    """hmac256 [--binary] [--stdkey|key] [filename] prints the digest and the name."""
    for name, content in [("empty", b""), ("fox", b"The quick brown fox\n"), ("large", sample(300000, 1))]:
        sim.write(name, content)
        digest = hmac.new(b"secret key", content, "sha256").hexdigest()
        out = sim.text("libgcrypt/hmac256.exe", "secret key", "C:\\data\\" + name)
        expect(out, f"{digest}  C:\\data\\{name}\n", "digest of " + name)
    out = sim.text("libgcrypt/hmac256.exe", "key", "C:\\data\\absent", status=1)
    expect(out, "", "standard output for a file that is absent")


def hex_dump(content):
    """What dumpsexp prints for data without line ends: offset, two groups of eight bytes, the characters."""
    out = ""
    for start in range(0, len(content), 16):
        row = content[start:start + 16]
        cells = [f"{byte:02x}" for byte in row] + ["  "] * (16 - len(row))
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        out += f"{start:08x}  {' '.join(cells[:8])}  {' '.join(cells[8:])}  |{shown}|\n"
    return out


def test_dumpsexp(sim):
    expression = b"(11:private-key(3:rsa(1:n8:\x00\xc3\x9f\x12\x7f\x80\xff\x01)(1:e3:\x01\x00\x01)(7:comment5:hello)))"
    sim.write("key.sexp", expression)
    expect(sim.text("libgcrypt/dumpsexp.exe", "C:\\data\\key.sexp"), hex_dump(expression), "dump")
    expect_match(r"^dumpsexp \(Libgcrypt\) [0-9.]+\n.*NO WARRANTY",
                 sim.text("libgcrypt/dumpsexp.exe", "--version"))


def test_gpg_error(sim):
    """Its DLL lies beside it, and needs ws2_32, user32 and advapi32."""
    out = sim.text("libgcrypt/gpg-error.exe", "1", "67108881")
    expect_match(r"^1 = \(0, 1\) = \(GPG_ERR_SOURCE_UNKNOWN, GPG_ERR_GENERAL\) = \(Unspecified source, General error\)$",
                 out)
    expect_match(r"^67108881 = \(4, 17\) = \(GPG_ERR_SOURCE_GPGAGENT, GPG_ERR_NO_SECKEY\) = "
                 r"\(GPG Agent, No secret key\)$", out)


def test_mpicalc(sim):
    """Two DLLs deep: libgcrypt-20.dll needs libgpg-error-0.dll."""
    expect_match(r"^\S*mpicalc\S* 2\.\d+\nlibgcrypt 1\.[0-9.]+\n", sim.text("libgcrypt/mpicalc.exe", "--version"))


def test_ninja(sim):
    """ReScript's ninja, which names itself so. After a dry run it prints into its log file, which it did not open:
    its Linux build ends with a segmentation fault there, and here the C runtime fails fast (0xC0000409)."""
    expect_match(r"\A1\.9\.0\S*\n\Z", sim.text("ninja/ninja.exe", "--version"))
    sim.write("build.ninja", b"rule copy\n  command = copy-it $in $out\n"
                             b"build second: copy first\nbuild first: copy input.txt\n")
    sim.write("input.txt", b"x\n")
    expect(sim.text("ninja/ninja.exe", "-C", "C:\\data", "-n", status=0x09),
           "rescript: [1/2] first\nrescript: [2/2] second\n", "dry run")
    expect(sim.text("ninja/ninja.exe", "-C", "C:\\data", "-t", "targets", "all"), "second\nfirst\n", "targets")
    sim.write("broken/build.ninja", b"build x: absent y\n")
    expect_match("unknown build rule 'absent'",
                 subprocess_text(sim, "ninja/ninja.exe", "-C", "C:\\data\\broken", status=1))


def test_ninja_build(sim):
    """Real jobs, four at a time: child processes whose output comes back through named pipes and a completion port."""
    rule = b"rule mac\n  command = C:\\tools\\hmac256.exe key $in\n"
    names = [f"in{i}.txt" for i in range(6)]
    for i, name in enumerate(names):
        sim.write(name, sample(1000 * i, i))
    rule += b"".join(b"build out%d: mac in%d.txt\n" % (i, i) for i in range(6))
    sim.write("build.ninja", rule)
    sim.roots = ["--map", sim.data + "=C:\\data:rw", "--map", os.path.join(sim.programs, "libgcrypt") + "=C:\\tools"]
    out = sim.text("ninja/ninja.exe", "-C", "C:\\data", "-j", "4")
    expect_match(r"^rescript: \[6/6\] out\d$", out)
    expect(sorted(line for line in out.splitlines() if not line.startswith("rescript:")),
           sorted(f"{hmac.new(b'key', sample(1000 * i, i), 'sha256').hexdigest()}  {name}"
                  for i, name in enumerate(names)), "output of the jobs")
    sim.write("build.ninja", rule + b"build out9: mac absent\nbuild absent: phony\n")
    expect_match(r"FAILED: out9", sim.text("ninja/ninja.exe", "-C", "C:\\data", "-j", "4", status=1))


def subprocess_text(sim, program, *args, status):
    """Standard output and standard error of a program together."""
    joined = Simulator(["sh", "-c", 'exec "$@" 2>&1', "sh", *sim.command], sim.programs, sim.data)
    return joined.text(program, *args, status=status)


def test_7za_badswitch(sim):
    """The option parser throws a C++ exception that main catches."""
    out = subprocess_text(sim, "7za/7za.exe", "--badswitch", status=7)
    expect_match(r"Command Line Error:\nUnknown switch:\n--badswitch", out)


def zip_file(contents):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def test_7za_list(sim):
    contents = {"first.txt": b"hello\n" * 1000, "folder/second.bin": sample(50000, 2)}
    sim.write("a.zip", zip_file(contents))
    out = sim.text("7za/7za.exe", "l", "C:\\data\\a.zip")
    expect_match(r"^Type = zip$", out)
    expect_match(r" 6000 +\d+ +first\.txt$", out)
    expect_match(r" 50000 +\d+ +folder[\\/]second\.bin$", out)
    expect_match(r" 56000 +\d+ +2 files$", out)
    expect_match(r"^Everything is Ok$", sim.text("7za/7za.exe", "t", "C:\\data\\a.zip"))


def test_7za_extract(sim):
    """Deflate, LZMA2 and bzip2 of other implementations."""
    content = sample(400000, 3)
    sim.write("a.zip", zip_file({"a": content}))
    sim.write("a.xz", lzma.compress(content))
    sim.write("a.bz2", bz2.compress(content))
    for name in ["a.zip", "a.xz", "a.bz2"]:
        expect(sim.run("7za/7za.exe", "x", "-so", "C:\\data\\" + name), content, "content of " + name)
    damaged = bytearray(lzma.compress(content))
    damaged[len(damaged) // 2] ^= 0x55
    sim.write("bad.xz", bytes(damaged))
    sim.run("7za/7za.exe", "t", "C:\\data\\bad.xz", status=2)


def test_7za_files(sim):
    """An archive of a tree of files, written and extracted in the simulator: names, sizes, attributes are set."""
    contents = {"one.txt": b"hello\n" * 1000, "sub/two.bin": sample(70000, 5), "sub/deep/empty": b""}
    for name, content in contents.items():
        sim.write("tree/" + name, content)
    with tempfile.TemporaryDirectory() as out:
        sim.roots += ["--map", out + "=C:\\out:rw"]
        sim.text("7za/7za.exe", "a", "C:\\out\\a.7z", "C:\\data\\tree")
        expect_match(r"^Everything is Ok$", sim.text("7za/7za.exe", "x", "C:\\out\\a.7z", "-oC:\\out\\new"))
        for name, content in contents.items():
            with open(os.path.join(out, "new", "tree", name), "rb") as file:
                expect(file.read(), content, "content of " + name)


def test_7za_threads(sim):
    """Four threads each compress blocks; what they give does not depend on which one was first."""
    content = sample(1500000, 4)
    sim.write("big", content)
    four = sim.run("7za/7za.exe", "a", "-an", "-tbzip2", "-mx=1", "-mmt=4", "-so", "C:\\data\\big")
    expect(bz2.decompress(four), content, "bzip2 by four threads")
    one = sim.run("7za/7za.exe", "a", "-an", "-tbzip2", "-mx=1", "-mmt=1", "-so", "C:\\data\\big")
    expect(four, one, "bzip2 by one thread")
    out = sim.run("7za/7za.exe", "a", "-an", "-txz", "-mx=1", "-mmt=2", "-so", "C:\\data\\big")
    expect(lzma.decompress(out), content, "LZMA2 by two threads")


def test_esbuild(sim):
    """A Go program: its runtime starts threads, parks them and lets exceptions stand for nil pointers."""
    expect(sim.text("esbuild/esbuild.exe", "--version"), "0.14.54\n", "version")
    sim.write("in.ts", b"let x: number = 1;\nenum E { A = 3 }\nconsole.log(x as any, E.A);\n")
    expect(sim.text("esbuild/esbuild.exe", "C:\\data\\in.ts"),
           "let x = 1;\nvar E = /* @__PURE__ */ ((E2) => {\n  E2[E2[\"A\"] = 3] = \"A\";\n  return E2;\n})(E || {});\n"
           "console.log(x, 3 /* A */);\n", "translation")


def main():
    if len(sys.argv) < 4 or "test_" + sys.argv[2] not in globals():
        names = " ".join(name[5:] for name in globals() if name.startswith("test_"))
        print(f"usage: run.py PROGRAMS TEST COMMAND...\ntests: {names}", file=sys.stderr)
        return 2
    programs, name, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    package = name.split("_")[0]
    if package not in ("ninja", "7za", "esbuild"):
        package = "libgcrypt"
    packages = [package, "libgcrypt"] if name == "ninja_build" else [package]
    fetched = subprocess.run([os.path.join(HERE, "fetch"), programs, *packages])
    if fetched.returncode != 0:
        return fetched.returncode
    with tempfile.TemporaryDirectory() as data:
        try:
            globals()["test_" + name](Simulator(command, os.path.abspath(programs), data))
        except Failed as reason:
            print(f"{name}: {reason}")
            return 1
    print(f"{name}: as expected")
    return 0


if __name__ == "__main__":
    sys.exit(main())
