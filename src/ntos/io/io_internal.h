/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file io_internal.h  State of the io floor, shared by its files. */
#ifndef NTOS_IO_IO_INTERNAL_H
#define NTOS_IO_IO_INTERNAL_H

#include "base/host.h"
#include "ntos/io/io.h"
#include "ntos/ke/ke.h"

#include <string.h>

#define IO_TAG POOL_TAG('F', 'i', 'l', 'e')
/** Longest name of one component, in UTF-16 code units. */
#define IO_MAX_COMPONENT 255
/** Longest NT path in bytes of UTF-8. */
#define IO_MAX_PATH 32767

struct io_folder {
  char *host;      /**< as configured; of embedded files a name that no file has */
  const struct io_embedded *embedded; /**< NULL: a host folder */
  char *canonical; /**< without symbolic links; nothing outside of it is reached */
  char *guest;     /**< C:\windows, without a trailing backslash */
  size_t guest_length;
  bool writable;
};

/** A host file that was found to lie in a folder, whatever links led to it. */
struct io_contained {
  char *host; /**< pool; NULL: free */
  uint64_t device, inode;
  unsigned folder; /**< index in io_state.folders */
};
/** Entries; each path has one place. */
#define IO_CONTAINED_ENTRIES 32u

struct io_state {
  struct io_folder *folders;
  unsigned folder_count;
  LIST_ENTRY open_files; /**< FILE_OBJECT.open_entry */
  LIST_ENTRY pipes;      /**< struct io_pipe */
  void (*console_write)(void *context, int stream, const void *bytes, size_t size);
  size_t (*console_read)(void *context, void *bytes, size_t size);
  void *console_context;
  bool console_is_terminal;
  void (*file_written)(ULONG64 identity, ULONG64 offset, const void *bytes, size_t size);
  bool (*file_can_be_cut)(ULONG64 identity, ULONG64 size);
  struct io_contained contained[IO_CONTAINED_ENTRIES];
  struct io_inputs *inputs; /**< NULL: no note is taken of what is read */
};

/** What a guest path names on the host. */
struct io_location {
  NTSTATUS status; /**< STATUS_SUCCESS: it exists; OBJECT_NAME_NOT_FOUND: only its parent does */
  struct host_stat facts;
  bool virtual_directory;        /**< no host folder stands behind it */
  char *host;                    /**< pool; where it is, or where it could be made; NULL: nowhere */
  const struct io_folder *folder; /**< that it lies in, NULL for a virtual directory */
  const struct io_embedded *embedded; /**< it is this file */
};

static inline struct io_state *io_state_of(void) { return KeGetPcr()->io; }

/** Copy of a text in the pool. */
char *io_duplicate(const char *text);
/** The drive path (C:\x) of a normal path, NULL for devices. */
const char *io_drive_path(const char *normal);
/** Finds what a drive path names; out->host must be freed in every case. */
void io_locate(const char *drive_path, struct io_location *out);
/** The same, in the n-th of the folders that stand behind the path's longest root; false: no such folder. */
bool io_locate_layer(const char *drive_path, unsigned layer, struct io_location *out);
/** Opens what was located, read-only: a descriptor, -1 on failure. */
int io_open_for_reading(const struct io_location *at);
/** Calls fn for each component that a root has directly below a drive path. */
void io_for_each_virtual_child(const char *drive_path, void (*fn)(void *context, const char *name, size_t length),
                               void *context);
/** True for a name that a guest can see and ask for. */
bool io_valid_component(const char *name, size_t length);
/** Notes that a path (normal form) was looked for, and what came of it. */
void io_note_search(const char *normal, NTSTATUS status);
/** Notes what a file holds that is about to be read for the first time, or that a program made or changes it. */
void io_note_read(const FILE_OBJECT *File);
void io_note_change(const FILE_OBJECT *File);
/** A File object with its event signalled; takes `path` over. */
NTSTATUS io_create_object(enum io_kind kind, char *path, FILE_OBJECT **File);
/** True if a program may cut a file to `size` bytes. */
bool io_can_be_cut(ULONG64 identity, ULONG64 size);
/** True for a host file that is no directory and can be opened, with its identity. */
ULONG64 io_identity(const struct host_stat *facts);

#endif
