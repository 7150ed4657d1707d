/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file embedded.h  Files that the library has in itself. */
#ifndef MACHINE_EMBEDDED_H
#define MACHINE_EMBEDDED_H

#include "ntos/io/io.h"

/** The builtin system DLLs. */
extern const struct io_embedded machine_builtin_dlls[];

#endif
