/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File calls of the host system. */
#include "base/host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void convert_stat(const struct stat *from, struct host_stat *to)
{
  to->kind = S_ISREG(from->st_mode) ? HOST_FILE : S_ISDIR(from->st_mode) ? HOST_DIRECTORY : HOST_OTHER;
  to->size = from->st_size > 0 ? (uint64_t)from->st_size : 0;
  to->device = (uint64_t)from->st_dev;
  to->inode = (uint64_t)from->st_ino;
}

bool host_stat_path(const char *path, struct host_stat *out)
{
  struct stat facts;
  memset(out, 0, sizeof(*out));
  if (stat(path, &facts) != 0) {
    return false;
  }
  convert_stat(&facts, out);
  return true;
}

bool host_stat_fd(int fd, struct host_stat *out)
{
  struct stat facts;
  memset(out, 0, sizeof(*out));
  if (fstat(fd, &facts) != 0) {
    return false;
  }
  convert_stat(&facts, out);
  return true;
}

int host_open(const char *path, bool write, bool create, bool truncate)
{
  /* Opening a FIFO without a peer would block for ever; O_NONBLOCK is only for the open itself. */
  int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (write ? O_RDWR : O_RDONLY);
  if (create) {
    flags |= O_CREAT;
  }
  if (truncate) {
    flags |= O_TRUNC;
  }
  int fd;
  do {
    fd = open(path, flags, 0666);
  } while (fd < 0 && errno == EINTR);
  if (fd >= 0) {
    int status = fcntl(fd, F_GETFL);
    if (status < 0 || fcntl(fd, F_SETFL, status & ~O_NONBLOCK) != 0) {
      host_close(fd);
      return -1;
    }
  }
  return fd;
}

ssize_t host_pread(int fd, void *buffer, size_t size, uint64_t offset)
{
  size_t moved = 0;
  while (moved < size) {
    ssize_t n = pread(fd, (char *)buffer + moved, size - moved, (off_t)(offset + moved));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0 && moved == 0) {
      return -1;
    }
    if (n <= 0) {
      break;
    }
    moved += (size_t)n;
  }
  return (ssize_t)moved;
}

ssize_t host_pwrite(int fd, const void *buffer, size_t size, uint64_t offset)
{
  size_t moved = 0;
  while (moved < size) {
    ssize_t n = pwrite(fd, (const char *)buffer + moved, size - moved, (off_t)(offset + moved));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0 && moved == 0) {
      return -1;
    }
    if (n <= 0) {
      break;
    }
    moved += (size_t)n;
  }
  return (ssize_t)moved;
}

ssize_t host_write(int fd, const void *buffer, size_t size)
{
  size_t moved = 0;
  while (moved < size) {
    ssize_t n = write(fd, (const char *)buffer + moved, size - moved);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0 && moved == 0) {
      return -1;
    }
    if (n <= 0) {
      break;
    }
    moved += (size_t)n;
  }
  return (ssize_t)moved;
}

ssize_t host_read(int fd, void *buffer, size_t size)
{
  ssize_t n;
  do {
    n = read(fd, buffer, size);
  } while (n < 0 && errno == EINTR);
  return n;
}

bool host_truncate(int fd, uint64_t size)
{
  int result;
  if (size > INT64_MAX) {
    return false;
  }
  do {
    result = ftruncate(fd, (off_t)size);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

bool host_remove(const char *path) { return unlink(path) == 0 || rmdir(path) == 0; }

char *host_real_path(const char *path) { return realpath(path, NULL); }

bool host_rename(const char *from, const char *to, bool replace)
{
  struct stat facts;
  if (!replace && lstat(to, &facts) == 0) {
    return false;
  }
  return rename(from, to) == 0;
}

bool host_mkdir(const char *path) { return mkdir(path, 0777) == 0; }

static int compare_names(const void *left, const void *right)
{
  return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool is_dot_entry(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

char **host_list_directory(const char *path)
{
  size_t count = 0;
  size_t room = 16;
  DIR *directory = opendir(path);
  if (directory == NULL) {
    return NULL;
  }
  char **names = malloc(room * sizeof(*names));
  const struct dirent *entry;
  while (names != NULL && (entry = readdir(directory)) != NULL) {
    if (is_dot_entry(entry->d_name)) {
      continue;
    }
    /* A failed copy is also the terminator that host_free_names looks for. */
    names[count] = strdup(entry->d_name);
    if (names[count] == NULL) {
      host_free_names(names);
      names = NULL;
      break;
    }
    count++;
    names[count] = NULL;
    if (count + 1 == room) {
      char **larger = reallocarray(names, room * 2, sizeof(*names));
      if (larger == NULL) {
        host_free_names(names);
      }
      names = larger;
      room *= 2;
    }
  }
  (void)closedir(directory);
  if (names != NULL) {
    names[count] = NULL;
    qsort(names, count, sizeof(*names), compare_names);
  }
  return names;
}

void host_free_names(char **names)
{
  if (names == NULL) {
    return;
  }
  for (char **name = names; *name != NULL; name++) {
    free(*name);
  }
  free(names);
}

void *host_read_file(const char *path, size_t limit, size_t *size)
{
  struct host_stat facts;
  void *bytes = NULL;
  int fd = host_open(path, false, false, false);
  if (fd < 0) {
    return NULL;
  }
  if (host_stat_fd(fd, &facts) && facts.kind == HOST_FILE && facts.size <= limit) {
    size_t wanted = (size_t)facts.size;
    bytes = malloc(wanted > 0 ? wanted : 1);
    /* A file that shrinks while it is read counts as unreadable. */
    if (bytes != NULL && host_pread(fd, bytes, wanted, 0) != (ssize_t)wanted) {
      free(bytes);
      bytes = NULL;
    }
    if (bytes != NULL) {
      *size = wanted;
    }
  }
  host_close(fd);
  return bytes;
}
