/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file api_sets.h  API sets of the builtin userland: what the families of contracts lead to. The builtin ntdll is
 *  compiled with it, too. */
#ifndef LOADER_API_SETS_H
#define LOADER_API_SETS_H

/** The first that a name begins with counts. */
static const struct api_set_family {
  const char *prefix, *host;
} api_set_families[] = {
    {"api-ms-win-crt-", "ucrtbase.dll"},
    {"api-ms-win-core-rtlsupport-", "ntdll.dll"},
    {"api-ms-win-core-registry-", "advapi32.dll"},
    {"api-ms-win-core-", "kernelbase.dll"},
    {"api-ms-win-security-", "advapi32.dll"},
    {"api-ms-win-eventing-", "advapi32.dll"},
    {"api-ms-win-service-", "sechost.dll"},
};
#define API_SET_FAMILIES (sizeof(api_set_families) / sizeof(api_set_families[0]))

#endif
