/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file mutate_pe.h  Seeded damage to PE files: the same seed and input give the same bytes on every host. */
#ifndef MUTATE_PE_H
#define MUTATE_PE_H

#include <stddef.h>
#include <stdint.h>

/** Largest growth of a file in bytes. */
#define MUTATE_PE_GROWTH 4096u

/** Writes a damaged copy of a well-formed PE64 file.
 *  @param out   has room for size + MUTATE_PE_GROWTH bytes
 *  @param what  receives what was done, one line, cut to what_size
 *  @return bytes in `out` */
size_t mutate_pe(uint64_t seed, const uint8_t *in, size_t size, uint8_t *out, char *what, size_t what_size);

#endif
