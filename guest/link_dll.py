#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Links a DLL and writes the hints of its imports: link_dll.py EXPORTER LINKER ARGUMENT...
A hint is where in the exporter's sorted names the function is; loaders look there first. lld-link writes 0."""
import os
import struct
import subprocess
import sys


class Image:
    def __init__(self, path):
        self.bytes = bytearray(open(path, "rb").read())
        self.headers = self.u32(0x3C)
        optional = self.headers + 24
        self.directories = optional + 112
        sections = optional + self.u16(self.headers + 20)
        self.sections = [struct.unpack_from("<III", self.bytes, sections + 40 * i + 12)
                         for i in range(self.u16(self.headers + 6))]

    def u16(self, at):
        return struct.unpack_from("<H", self.bytes, at)[0]

    def u32(self, at):
        return struct.unpack_from("<I", self.bytes, at)[0]

    def offset(self, rva):
        for start, size, raw in self.sections:
            if start <= rva < start + size:
                return rva - start + raw
        raise ValueError(f"nothing at {rva:x}")

    def text(self, rva):
        at = self.offset(rva)
        return bytes(self.bytes[at:self.bytes.index(0, at)])

    def exports(self):
        table = self.offset(self.u32(self.directories))
        names = self.offset(self.u32(table + 32))
        return {self.text(self.u32(names + 4 * i)): i for i in range(self.u32(table + 24))}

    def imports(self):
        """File offsets of hints, with their names and the DLL."""
        descriptor = self.offset(self.u32(self.directories + 8)) if self.u32(self.directories + 8) else None
        while descriptor is not None and self.u32(descriptor + 12):
            thunk = self.offset(self.u32(descriptor))
            while rva := struct.unpack_from("<Q", self.bytes, thunk)[0]:
                if not rva >> 63:
                    yield self.text(self.u32(descriptor + 12)), self.offset(rva), self.text(rva + 2)
                thunk += 8
            descriptor += 20


exporter, *command = sys.argv[1:]
subprocess.run(command, check=True)
output = next(argument.removeprefix("/out:") for argument in command if argument.startswith("/out:"))
image, exports = Image(output), Image(exporter).exports()
for dll, hint, name in image.imports():
    if dll.lower().decode() == os.path.basename(exporter).lower():
        struct.pack_into("<H", image.bytes, hint, exports[name])
open(output, "wb").write(image.bytes)
