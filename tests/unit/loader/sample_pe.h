/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file sample_pe.h  The smallest sound PE64 file with sections, relocations and exports, for a test to break. */
#ifndef SAMPLE_PE_H
#define SAMPLE_PE_H

#include <stddef.h>
#include <stdint.h>

/* File offsets of its structures. */
#define SAMPLE_PE 0x80u
#define SAMPLE_OPTIONAL (SAMPLE_PE + 24u)
#define SAMPLE_DIRECTORIES (SAMPLE_OPTIONAL + 112u)
#define SAMPLE_SECTIONS (SAMPLE_OPTIONAL + 240u)
#define SAMPLE_SECTION(i) (SAMPLE_SECTIONS + 40u * (i))

#define SAMPLE_BASE 0x140000000ull
#define SAMPLE_TEXT 0x1000u /* RVAs: .text, .data (with zero fill), .reloc */
#define SAMPLE_DATA 0x2000u
#define SAMPLE_RELOC 0x4000u
#define SAMPLE_IMAGE_SIZE 0x5000u
#define SAMPLE_SIZE 0xA00u /* of the file */
#define SAMPLE_TEXT_RAW 0x400u
#define SAMPLE_DATA_RAW 0x600u
#define SAMPLE_RELOC_RAW 0x800u
/** RVA of a 64-bit pointer to SAMPLE_BASE + SAMPLE_TEXT, which has a relocation. */
#define SAMPLE_POINTER (SAMPLE_DATA + 8u)
/** RVA of the export "alpha"; "beta" is a forwarder, "gamma" is at SAMPLE_TEXT. */
#define SAMPLE_ALPHA (SAMPLE_TEXT + 0x10u)
/** File offset of the export directory. */
#define SAMPLE_EXPORTS_RAW (SAMPLE_DATA_RAW + 0x40u)

/** Room for a test to make the file longer. */
#define SAMPLE_ROOM 0x4000u

/** Writes the file (SAMPLE_SIZE bytes of SAMPLE_ROOM, the rest zero). */
void sample_build(uint8_t *file);
/** Writes `width` bytes of a value. */
void sample_put(uint8_t *at, uint64_t value, unsigned width);
/** Reads `width` bytes. */
uint64_t sample_get(const uint8_t *at, unsigned width);

#endif
