/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file sha256.h  SHA-256 of host files, as sha256sum prints it. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stdbool.h>
#include <stdint.h>

#define SHA256_BYTES 32

/** Hashes the first `size` bytes of an open file; false if they can not be read. */
bool sha256_file(int fd, uint64_t size, uint8_t out[SHA256_BYTES]);

#endif
