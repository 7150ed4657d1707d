/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file sha256.h  SHA-256 of host files, as sha256sum prints it. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
/** Larger files are not hashed: some of the host's (/proc/kcore) have no end worth waiting for. */
#define SHA256_MAX_FILE ((uint64_t)1 << 36)

/** Hashes the first `size` bytes of an open file; false if they can not be read, or are too many. */
bool sha256_file(int fd, uint64_t size, uint8_t out[SHA256_BYTES]);
/** Hashes bytes in memory. */
void sha256_bytes(const void *bytes, size_t size, uint8_t out[SHA256_BYTES]);

#endif
