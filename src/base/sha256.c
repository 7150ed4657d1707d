/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/sha256.h"

#include "base/host.h"

#include <nettle/sha2.h>

_Static_assert(SHA256_BYTES == SHA256_DIGEST_SIZE, "one size");

bool sha256_file(int fd, uint64_t size, uint8_t out[SHA256_BYTES])
{
  struct sha256_ctx context;
  uint8_t piece[4096];
  uint64_t at = 0;
  if (size > SHA256_MAX_FILE)
    return false;
  sha256_init(&context);
  while (at < size) {
    size_t wanted = size - at < sizeof piece ? (size_t)(size - at) : sizeof piece;
    ssize_t moved = host_pread(fd, piece, wanted, at);
    if (moved <= 0)
      return false;
    sha256_update(&context, (size_t)moved, piece);
    at += (uint64_t)moved;
  }
  sha256_digest(&context, SHA256_BYTES, out);
  return true;
}

void sha256_bytes(const void *bytes, size_t size, uint8_t out[SHA256_BYTES])
{
  struct sha256_ctx context;
  sha256_init(&context);
  sha256_update(&context, size, bytes);
  sha256_digest(&context, SHA256_BYTES, out);
}
