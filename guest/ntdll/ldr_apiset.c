/* SPDX-License-Identifier: GPL-2.0-or-later */
/* API sets: names of contracts that lead to the DLL that has the functions. The map of the PEB (version 6, as Windows 10
 * has it) comes first; without one, what the contracts' families lead to. */
#include "ldrp.h"

#include "../../src/loader/api_sets.h"

typedef struct {
  ULONG Version, Size, Flags, Count, EntryOffset, HashOffset, HashFactor;
} API_SET_NAMESPACE;
typedef struct {
  ULONG Flags, NameOffset, NameLength, HashedLength, ValueOffset, ValueCount;
} API_SET_NAMESPACE_ENTRY;
typedef struct {
  ULONG Flags, NameOffset, NameLength, ValueOffset, ValueLength;
} API_SET_VALUE_ENTRY;

static BOOLEAN begins_with(const WCHAR *name, const char *prefix)
{
  for (; *prefix; prefix++, name++)
    if (RtlUpcaseUnicodeChar(*name) != RtlUpcaseUnicodeChar((UCHAR)*prefix))
      return FALSE;
  return TRUE;
}

/* Length of the part that is compared: without the extension and the number behind the last hyphen. */
static ULONG contract_length(const WCHAR *name)
{
  ULONG length = 0;
  for (ULONG i = 0; name[i]; i++)
    if (name[i] == '-')
      length = i;
  return length;
}

static BOOLEAN same(const WCHAR *a, const WCHAR *b, ULONG length)
{
  for (ULONG i = 0; i < length; i++)
    if (RtlUpcaseUnicodeChar(a[i]) != RtlUpcaseUnicodeChar(b[i]))
      return FALSE;
  return TRUE;
}

/* The value for an importer: one of its own name, else the first. */
static const API_SET_VALUE_ENTRY *choose(const UCHAR *map, const API_SET_NAMESPACE_ENTRY *entry, const WCHAR *importer)
{
  const API_SET_VALUE_ENTRY *values = (const API_SET_VALUE_ENTRY *)(map + entry->ValueOffset);
  ULONG length = 0;
  while (importer && importer[length])
    length++;
  for (ULONG i = 1; i < entry->ValueCount && length; i++)
    if (values[i].NameLength == length * 2 && same((const WCHAR *)(map + values[i].NameOffset), importer, length))
      return &values[i];
  return entry->ValueCount ? values : NULL;
}

static BOOLEAN look_up(const UCHAR *map, const WCHAR *name, const WCHAR *importer, WCHAR *host)
{
  const API_SET_NAMESPACE *space = (const API_SET_NAMESPACE *)map;
  const API_SET_NAMESPACE_ENTRY *entries = (const API_SET_NAMESPACE_ENTRY *)(map + space->EntryOffset);
  ULONG length = contract_length(name);
  for (ULONG i = 0; i < space->Count; i++) {
    if (entries[i].HashedLength != length * 2 || !same((const WCHAR *)(map + entries[i].NameOffset), name, length))
      continue;
    const API_SET_VALUE_ENTRY *value = choose(map, &entries[i], importer);
    if (!value || !value->ValueLength || value->ValueLength >= LDRP_MAX_PATH * 2)
      return FALSE;
    memcpy(host, map + value->ValueOffset, value->ValueLength);
    host[value->ValueLength / 2] = 0;
    return TRUE;
  }
  return FALSE;
}

BOOLEAN LdrpResolveApiSet(const WCHAR *Name, const WCHAR *Importer, WCHAR Host[LDRP_MAX_PATH])
{
  const UCHAR *map = NtCurrentPeb()->ApiSetMap;
  if (!begins_with(Name, "api-") && !begins_with(Name, "ext-"))
    return FALSE;
  if (map && ((const API_SET_NAMESPACE *)map)->Version == 6)
    return look_up(map, Name, Importer, Host);
  for (ULONG i = 0; i < API_SET_FAMILIES; i++) {
    if (!begins_with(Name, api_set_families[i].prefix))
      continue;
    const char *host = api_set_families[i].host;
    ULONG length = 0;
    for (; host[length]; length++)
      Host[length] = (UCHAR)host[length];
    Host[length] = 0;
    return TRUE;
  }
  return FALSE;
}
