/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file bytes.h  Little-endian values at any alignment, and the page size of an image. */
#ifndef LOADER_BYTES_H
#define LOADER_BYTES_H

#include <stdint.h>

#define PE_PAGE_SIZE 0x1000u

/** Reads 16 bits. */
static inline uint16_t read_u16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
/** Reads 32 bits. */
static inline uint32_t read_u32(const uint8_t *p)
{
  return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
/** Reads 64 bits. */
static inline uint64_t read_u64(const uint8_t *p) { return read_u32(p) | (uint64_t)read_u32(p + 4) << 32; }
/** Writes 16 bits. */
static inline void write_u16(uint8_t *p, uint16_t value)
{
  p[0] = (uint8_t)value;
  p[1] = (uint8_t)(value >> 8);
}
/** Writes 32 bits. */
static inline void write_u32(uint8_t *p, uint32_t value)
{
  write_u16(p, (uint16_t)value);
  write_u16(p + 2, (uint16_t)(value >> 16));
}
/** Writes 64 bits. */
static inline void write_u64(uint8_t *p, uint64_t value)
{
  write_u32(p, (uint32_t)value);
  write_u32(p + 4, (uint32_t)(value >> 32));
}

#endif
