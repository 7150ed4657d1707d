/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of -e: names of services with * and ?, families, and ! before what is left out. */
#include "cli/strace.h"

#include <string.h>

static bool matches(const char *pattern, size_t length, const char *name)
{
  size_t star = SIZE_MAX, p = 0;
  const char *back = NULL;
  while (*name) {
    if (p < length && pattern[p] == '*') {
      star = p++;
      back = name;
    } else if (p < length && (pattern[p] == '?' || pattern[p] == *name)) {
      p++, name++;
    } else if (back) {
      p = star + 1;
      name = ++back;
    } else {
      return false;
    }
  }
  while (p < length && pattern[p] == '*')
    p++;
  return p == length;
}

static uint32_t group_of(const char *item, size_t length)
{
  for (uint32_t group = 1; dbgksim_service_group(group); group <<= 1)
    if (strlen(dbgksim_service_group(group)) == length && memcmp(dbgksim_service_group(group), item, length) == 0)
      return group;
  return 0;
}

static bool known(const char *item, size_t length)
{
  const char *name;
  if (group_of(item, length) || (length == 3 && memcmp(item, "all", 3) == 0))
    return true;
  /* The DLLs may have services that the kernel lacks. */
  if (length > 2 && memcmp(item, "Nt", 2) == 0)
    return true;
  for (unsigned i = 0; (name = dbgksim_service_name(i, NULL)) != NULL; i++)
    if (matches(item, length, name))
      return true;
  return false;
}

bool strace_check_filter(const char *filter)
{
  for (const char *item = filter; item; item = strchr(item, ',') ? strchr(item, ',') + 1 : NULL) {
    const size_t whole = strcspn(item, ","), negated = *item == '!';
    if (!known(item + negated, whole - negated))
      return false;
  }
  return true;
}

bool strace_selected(const char *filter, const char *name, uint32_t groups)
{
  if (!filter)
    return true;
  bool selected = *filter == '!';
  for (const char *item = filter; item; item = strchr(item, ',') ? strchr(item, ',') + 1 : NULL) {
    const size_t whole = strcspn(item, ","), negated = *item == '!';
    const char *pattern = item + negated;
    const size_t length = whole - negated;
    const uint32_t group = group_of(pattern, length);
    if (group ? (groups & group) != 0 : (length == 3 && memcmp(pattern, "all", 3) == 0) || matches(pattern, length, name))
      selected = !negated;
  }
  return selected;
}
