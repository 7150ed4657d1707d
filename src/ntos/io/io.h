/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file io.h  Files under mapped roots, console output, pipes to the host's streams. svc captures user buffers, so
 *  io needs no mm. Paths are NT paths in UTF-8 (\??\C:\app\x.exe), case-insensitive over the host's files. */
#ifndef NTOS_IO_IO_H
#define NTOS_IO_IO_H

#include "ntos/ob/ob.h"

/** One host folder that is visible to guests. */
struct io_root {
  const char *host;  /**< host folder or single file */
  const char *guest; /**< DOS path, e.g. C:\app ; longest match wins */
  bool writable;
};

struct io_config {
  const struct io_root *roots;
  unsigned root_count;
  /** Receives console output: stream 1 or 2. Called on a fiber: must only store (DESIGN 1.3). */
  void (*console_write)(void *context, int stream, const void *bytes, size_t size);
  /** Standard input: copies up to size bytes, 0 at the end. May be NULL (end of file at once). */
  size_t (*console_read)(void *context, void *bytes, size_t size);
  void *console_context;
  bool console_is_terminal; /**< what NtQueryVolumeInformationFile and console checks tell */
};

enum io_kind { IO_FILE, IO_DIRECTORY, IO_CONSOLE, IO_NULL };

/** Body of a File object. */
typedef struct _FILE_OBJECT {
  enum io_kind kind;
  char *path;          /**< NT path as opened, normalised: \??\C:\... */
  char *host_path;     /**< pool; NULL for console and null device */
  int fd;              /**< host descriptor, -1: none */
  int stream;          /**< console: 0 in, 1 out, 2 error */
  ULONG64 CurrentByteOffset;
  ULONG64 size;        /**< at open, kept current on writes */
  ULONG64 identity;    /**< of the host file */
  bool writable, append, delete_on_close, synchronous;
  KEVENT Event;        /**< signalled when no request is pending (always) */
  size_t directory_index; /**< NtQueryDirectoryFile's position */
  char **directory_names; /**< host names, loaded at first query */
  char *directory_pattern;
} FILE_OBJECT;

/** Facts for the query services. */
struct io_basic {
  bool exists, directory, writable;
  ULONG64 size, identity;
};

/* Create dispositions and options. */
#define FILE_SUPERSEDE 0u
#define FILE_OPEN 1u
#define FILE_CREATE 2u
#define FILE_OPEN_IF 3u
#define FILE_OVERWRITE 4u
#define FILE_OVERWRITE_IF 5u
#define FILE_DIRECTORY_FILE 0x1u
#define FILE_SYNCHRONOUS_IO_ALERT 0x10u
#define FILE_SYNCHRONOUS_IO_NONALERT 0x20u
#define FILE_NON_DIRECTORY_FILE 0x40u
#define FILE_DELETE_ON_CLOSE 0x1000u

/** Sets up io: the File type and the roots. False: no memory. */
bool IoInitSystem(const struct io_config *config);
/** Closes host descriptors that are still open. */
void IoShutdownSystem(void);
/** Turns an absolute or root-relative NT path into its normal form (\??\C:\...); `root` may be NULL.
 *  STATUS_OBJECT_PATH_SYNTAX_BAD, STATUS_OBJECT_NAME_INVALID. */
NTSTATUS io_normalise(const FILE_OBJECT *root, const char *path, char **out);
/** Opens or creates. *information receives FILE_OPENED 1, FILE_CREATED 2...
 *  STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_PATH_NOT_FOUND, STATUS_ACCESS_DENIED, STATUS_OBJECT_NAME_COLLISION,
 *  STATUS_FILE_IS_A_DIRECTORY, STATUS_NOT_A_DIRECTORY */
NTSTATUS IoCreateFile(const char *nt_path, ACCESS_MASK DesiredAccess, ULONG Disposition, ULONG Options,
                      FILE_OBJECT **File, ULONG64 *information);
/** Facts without opening. Same statuses as IoCreateFile. */
NTSTATUS io_query_path(const char *nt_path, struct io_basic *out);
/** Reads at *offset (NULL: the file's position). STATUS_END_OF_FILE, STATUS_INVALID_DEVICE_REQUEST for directories. */
NTSTATUS io_read(FILE_OBJECT *File, void *buffer, ULONG size, const LONG64 *offset, ULONG *done);
NTSTATUS io_write(FILE_OBJECT *File, const void *buffer, ULONG size, const LONG64 *offset, ULONG *done);
NTSTATUS io_set_size(FILE_OBJECT *File, ULONG64 size);
/** Makes a File object for a console stream (0 input, 1 output, 2 error). */
NTSTATUS io_create_console(int stream, FILE_OBJECT **File);
/** Whole content of a file (malloc'ed through base, freed with free()); for sections. */
NTSTATUS io_read_all(FILE_OBJECT *File, void **bytes, size_t *size);

#endif
