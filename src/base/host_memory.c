/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory and clock calls of the host system. */
#include "base/host.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Linux 6.13; older kernels answer EINVAL. It costs no mapping, so it does not count against vm.max_map_count. */
#define LINUX_MADV_GUARD_INSTALL 102

#define TRANSLATOR_BUFFER ((size_t)1 << 30)

/* Huge pages made 71 MB of a 3.4 MB sparse arena; core dumps would walk whole arenas. Both are hints. */
static void advise_sparse(void *address, size_t size)
{
  (void)madvise(address, size, MADV_NOHUGEPAGE);
  (void)madvise(address, size, MADV_DONTDUMP);
}

size_t host_page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

void *host_reserve(size_t size)
{
  void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED) {
    return NULL;
  }
  advise_sparse(address, size);
  return address;
}

void host_release(void *address, size_t size)
{
  if (address != NULL) {
    (void)munmap(address, size);
  }
}

void host_discard(void *address, size_t size) { (void)madvise(address, size, MADV_DONTNEED); }

void host_guard(void *address, size_t size)
{
  if (madvise(address, size, LINUX_MADV_GUARD_INSTALL) != 0) {
    (void)mprotect(address, size, PROT_NONE);
  }
}

bool host_map_zero(void *address, size_t size)
{
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  if (mmap(address, size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) {
    return false;
  }
  advise_sparse(address, size);
  return true;
}

bool host_map_fd(void *address, size_t size, int fd, uint64_t offset, bool is_private)
{
  int flags = MAP_FIXED | (is_private ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED);
  if (mmap(address, size, PROT_READ | PROT_WRITE, flags, fd, (off_t)offset) == MAP_FAILED) {
    return false;
  }
  advise_sparse(address, size);
  return true;
}

int host_memfd(const char *name, uint64_t size)
{
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd >= 0 && !host_truncate(fd, size)) {
    host_close(fd);
    return -1;
  }
  return fd;
}

bool host_memfd_seal(int fd)
{
  return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;
}

bool host_can_map_translator(void)
{
  /* As Unicorn maps it: with commit charge, so that RLIMIT_AS, overcommit mode 2 and execmem rules show here. */
  int protection = PROT_READ | PROT_WRITE | PROT_EXEC;
  void *address = mmap(NULL, TRANSLATOR_BUFFER, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    return false;
  }
  (void)munmap(address, TRANSLATOR_BUFFER);
  return true;
}

bool host_next_data(int fd, uint64_t offset, uint64_t *start, uint64_t *end)
{
  off_t data = lseek(fd, (off_t)offset, SEEK_DATA);
  off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
  if (hole < 0)
    return false;
  *start = (uint64_t)data;
  *end = (uint64_t)hole;
  return true;
}

void host_close(int fd)
{
  if (fd >= 0) {
    (void)close(fd);
  }
}

uint64_t host_nanoseconds(void)
{
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
