/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file pathp.h  Between the files of paths. */
#ifndef GUEST_PATH_PRIVATE_H
#define GUEST_PATH_PRIVATE_H

#include "ntdllp.h"

ULONG path_length(PCWSTR text);
/** The full name of one that is not blank; out is path_room's. Its length. */
ULONG path_make_full(PWSTR out, PCWSTR name);
/** Room for the full name of a name, from the heap. */
PWSTR path_room(PCWSTR name);

/* ---- current_directory.c ---- */
/** The current directory with a separator at its end. Its length. */
ULONG path_current_directory(PWSTR out);
/** The same of a drive: its own one, or its root. */
ULONG path_drive_directory(PWSTR out, WCHAR drive);

#endif
