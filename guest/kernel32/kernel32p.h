/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file kernel32p.h  Between the sources of the builtin kernel32. */
#ifndef GUEST_KERNEL32_PRIVATE_H
#define GUEST_KERNEL32_PRIVATE_H

#include "ntdll.h"

/** Sets the last error that belongs to a status; FALSE for an error, TRUE for success. */
BOOL BaseSetLastNTError(NTSTATUS Status);

#endif
