/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What queries about memory, processes, threads and registry values answer, as text. */
#include "client/decode.h"

#include <string.h>

static ULONG64 read64(const UCHAR *bytes, size_t offset)
{
  ULONG64 value;
  memcpy(&value, bytes + offset, sizeof value);
  return value;
}

static ULONG read32(const UCHAR *bytes, size_t offset)
{
  ULONG value;
  memcpy(&value, bytes + offset, sizeof value);
  return value;
}

static void put_memory(struct decode_text *text, const UCHAR *bytes)
{
  MEMORY_BASIC_INFORMATION64 m;
  memcpy(&m, bytes, sizeof m);
  decode_format(text, "-> {base 0x%llx, size 0x%llx, ", (unsigned long long)m.BaseAddress,
                (unsigned long long)m.RegionSize);
  decode_named(text, ARGUMENT_MEM_STATE, m.State);
  if (m.Protect) {
    decode_put(text, ", ");
    decode_named(text, ARGUMENT_PAGE, m.Protect);
  }
  if (m.Type) {
    decode_put(text, ", ");
    decode_named(text, ARGUMENT_MEM_STATE, m.Type);
    decode_format(text, ", allocation 0x%llx ", (unsigned long long)m.AllocationBase);
    decode_named(text, ARGUMENT_PAGE, m.AllocationProtect);
  }
  decode_put(text, "}");
}

static void put_process(struct decode_text *text, const UCHAR *bytes)
{
  decode_put(text, "-> {exit status ");
  decode_status(text, read32(bytes, 0));
  decode_format(text, ", PEB 0x%llx, pid %u, parent %u}", (unsigned long long)read64(bytes, 8),
                (unsigned)read64(bytes, 0x20), (unsigned)read64(bytes, 0x28));
}

static void put_thread(struct decode_text *text, const UCHAR *bytes)
{
  decode_put(text, "-> {exit status ");
  decode_status(text, read32(bytes, 0));
  decode_format(text, ", TEB 0x%llx, %u:%u}", (unsigned long long)read64(bytes, 8), (unsigned)read64(bytes, 0x10),
                (unsigned)read64(bytes, 0x18));
}

/* KEY_VALUE_PARTIAL_INFORMATION. */
static void put_value(struct decode_text *text, const UCHAR *bytes, size_t size)
{
  enum { TYPE = 4, LENGTH = 8, DATA = 12, REG_SZ = 1, REG_EXPAND_SZ = 2, REG_DWORD = 4 };
  const ULONG type = read32(bytes, TYPE), length = read32(bytes, LENGTH);
  const size_t there = length < size - DATA ? length : size - DATA;
  const bool cut = there < length;
  if (type == REG_DWORD && length == 4 && there == 4) {
    decode_format(text, "-> {REG_DWORD, 0x%x}", read32(bytes, DATA));
  } else if (type == REG_SZ || type == REG_EXPAND_SZ) {
    /* Without the terminator that they mostly have. */
    const bool ended = !cut && there >= 2 && !bytes[DATA + there - 1] && !bytes[DATA + there - 2];
    decode_put(text, type == REG_SZ ? "-> {REG_SZ, " : "-> {REG_EXPAND_SZ, ");
    decode_wide(text, bytes + DATA, ended ? there - 2 : there, cut);
    decode_put(text, "}");
  } else {
    decode_format(text, "-> {type %u, ", type);
    decode_bytes(text, bytes + DATA, there, cut);
    decode_put(text, "}");
  }
}

bool decode_information(struct decode_text *text, enum service_argument_kind kind, ULONG class, const UCHAR *bytes,
                        size_t size)
{
  enum { KeyValuePartialInformation = 2, BASIC_SIZE = 0x30, VALUE_SIZE = 12 };
  if (kind == ARGUMENT_CLASS_VALUE && class == KeyValuePartialInformation && size >= VALUE_SIZE) {
    put_value(text, bytes, size);
    return true;
  }
  /* The basic information of all three is class 0. */
  if (class != 0 || size < BASIC_SIZE)
    return false;
  if (kind == ARGUMENT_CLASS_MEMORY)
    put_memory(text, bytes);
  else if (kind == ARGUMENT_CLASS_PROCESS)
    put_process(text, bytes);
  else if (kind == ARGUMENT_CLASS_THREAD)
    put_thread(text, bytes);
  else
    return false;
  return true;
}
