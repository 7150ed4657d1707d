/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file embedded.h  Files that the library has in itself. */
#ifndef MACHINE_EMBEDDED_H
#define MACHINE_EMBEDDED_H

#include "ntos/io/io.h"

#include <dbgksim/dbgksim.h>

/** The builtin system DLLs. */
extern const struct io_embedded machine_builtin_dlls[];
/** The sample programs, and what comes with them. */
extern const struct io_embedded machine_sample_files[];
/** What dbgksim_sample_at tells; ended by a NULL name. */
extern const struct dbgksim_sample machine_samples[];

/** How a path says that a program is a sample. */
#define MACHINE_SAMPLE_PREFIX "sample:"
/** The program of a path sample:NAME. NULL: no such path, or no such sample. */
const struct io_embedded *machine_find_sample(const char *path);

#endif
