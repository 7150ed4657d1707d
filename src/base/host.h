/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file host.h  Every call of the host system that the library makes (memory, files, clocks). */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Size of a host page in bytes. */
size_t host_page_size(void);
/** Reserves `size` bytes, read-write, without commit charge, no huge pages, left out of core dumps. NULL on failure. */
void *host_reserve(size_t size);
/** Unmaps a range. */
void host_release(void *address, size_t size);
/** Makes the pages of a private range read as zero again and frees their memory. */
void host_discard(void *address, size_t size);
/** Makes a page inaccessible. */
void host_guard(void *address, size_t size);
/** Replaces a range by fresh zero pages (undoes a host_map_fd). False on failure. */
bool host_map_zero(void *address, size_t size);
/** Maps `size` bytes of `fd` from `offset` over `address`; private is copy-on-write. False on failure. */
bool host_map_fd(void *address, size_t size, int fd, uint64_t offset, bool is_private);
/** Anonymous memory file of `size` bytes, -1 on failure. */
int host_memfd(const char *name, uint64_t size);
/** Seals a memory file against writing, growing and shrinking. False on failure. */
bool host_memfd_seal(int fd);
/** True if 1 GB of read-write-execute memory can be mapped now (the translator's buffer; DESIGN 5). */
bool host_can_map_translator(void);
/** First bytes at or above `offset` of a memory file that were ever written, as [*start, *end). False: none. */
bool host_next_data(int fd, uint64_t offset, uint64_t *start, uint64_t *end);
/** Closes a descriptor. */
void host_close(int fd);

/** What kind of thing a path names. */
enum host_kind { HOST_ABSENT, HOST_FILE, HOST_DIRECTORY, HOST_OTHER };
/** Facts of a host file. */
struct host_stat {
  enum host_kind kind;
  uint64_t size;   /**< bytes */
  uint64_t device; /**< identity, with inode */
  uint64_t inode;
};
/** Fills `out`; false if the path does not exist or cannot be read. */
bool host_stat_path(const char *path, struct host_stat *out);
/** Opens a file; -1 on failure. `write` opens read-write, `create` makes or (with `truncate`) empties it. */
int host_open(const char *path, bool write, bool create, bool truncate);
/** Facts of an open file. */
bool host_stat_fd(int fd, struct host_stat *out);
/** Reads at `offset`; bytes moved (fewer than `size` only at the end of the file or an error), -1 on error. */
ssize_t host_pread(int fd, void *buffer, size_t size, uint64_t offset);
/** Writes at `offset`; bytes moved, -1 on error. */
ssize_t host_pwrite(int fd, const void *buffer, size_t size, uint64_t offset);
/** Writes to a stream descriptor (no offset), all of it unless an error occurs. */
ssize_t host_write(int fd, const void *buffer, size_t size);
/** Reads from a stream descriptor. */
ssize_t host_read(int fd, void *buffer, size_t size);
/** Sets a file's size. */
bool host_truncate(int fd, uint64_t size);
/** Removes a file or an empty directory; false on failure. */
bool host_remove(const char *path);
/** Makes a directory; false on failure. */
bool host_mkdir(const char *path);
/** Names in a directory but for . and .., sorted bytewise (readdir's order is the host's), NULL-terminated.
 *  NULL if it cannot be read. */
char **host_list_directory(const char *path);
/** Frees what host_list_directory returned; NULL is allowed. */
void host_free_names(char **names);
/** Reads a whole file (malloc'ed, at most `limit` bytes). NULL if absent, unreadable or larger. */
void *host_read_file(const char *path, size_t limit, size_t *size);
/** Absolute path without symbolic links, `.` and `..` (malloc'ed); NULL if the path does not exist. */
char *host_real_path(const char *path);
/** Renames a file or directory, replacing an existing file only if `replace`; false on failure. */
bool host_rename(const char *from, const char *to, bool replace);
/** Nanoseconds of a monotonic clock: for budgets and benchmarks, never for guest-visible time. */
uint64_t host_nanoseconds(void);

/** Runs fn in a forked child on a copy of `size` bytes at `memory`, which is copied back.
 *  @param signal_number  receives the signal that ended the child, 0 if none
 *  @return true if fn returned */
bool host_run_in_child(void (*fn)(void *memory), void *memory, size_t size, int *signal_number);
/** Makes host_guard_call work: catches SIGABRT for the whole process; aborts outside of guarded calls go where they
 *  would have gone. */
void host_guard_install(void);
/** Calls fn; false if it called abort (its stack was cut off: whatever it held is lost). */
bool host_guard_call(void (*fn)(void *argument), void *argument);

#endif
