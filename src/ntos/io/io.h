/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file io.h  Files under mapped roots, console output, pipes to the host's streams. svc captures user buffers, so
 *  io needs no mm. Paths are NT paths in UTF-8 (\??\C:\app\x.exe), case-insensitive over the host's files. */
#ifndef NTOS_IO_IO_H
#define NTOS_IO_IO_H

#include "base/sha256.h"
#include "ntos/ob/ob.h"

/** A file that the library has in itself. */
struct io_embedded {
  const char *name; /**< lower case; NULL ends a list */
  const void *bytes;
  size_t size;
};

/** One host folder that is visible to guests. */
struct io_root {
  const char *host;  /**< host folder or single file; NULL: the embedded files */
  const struct io_embedded *embedded; /**< a folder of these, without folders below; outlives the machine */
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
  /** Told what programs have written to a file; NULL: nobody is. */
  void (*file_written)(ULONG64 identity, ULONG64 offset, const void *bytes, size_t size);
  /** Asked before a program cuts a file to `size` bytes; NULL: it may. */
  bool (*file_can_be_cut)(ULONG64 identity, ULONG64 size);
};

enum io_kind { IO_FILE, IO_DIRECTORY, IO_CONSOLE, IO_NULL, IO_PIPE };

/** Body of a File object. */
typedef struct _FILE_OBJECT {
  enum io_kind kind;
  LIST_ENTRY open_entry; /**< in io's list of File objects */
  char *path;          /**< NT path as opened, normalised: \??\C:\... */
  char *host_path;     /**< pool; NULL for console and null device */
  int fd;              /**< host descriptor, -1: none */
  int stream;          /**< console: 0 in, 1 out, 2 error */
  ULONG device_type;   /**< FILE_DEVICE_*: what FileFsDeviceInformation tells */
  ULONG64 CurrentByteOffset;
  ULONG64 size;        /**< at open, kept current on writes */
  ULONG64 identity;    /**< of the host file */
  bool writable;        /**< lies under a writable root */
  bool append;          /**< opened with FILE_APPEND_DATA only: every write goes to the end */
  bool delete_on_close, synchronous;
  bool virtual_directory; /**< exists only as the parent of a root */
  void *completion;    /**< IoCompletion object that hears of the end of requests; referenced, or NULL */
  ULONG64 completion_key;
  KEVENT Event;        /**< signalled when no request is pending (always) */
  size_t directory_index; /**< NtQueryDirectoryFile's position */
  size_t directory_count;
  char **directory_names; /**< pool; loaded at first query */
  char *directory_pattern; /**< pool; of the first query, NULL: everything */
  struct io_pipe_instance *pipe; /**< NULL: no pipe, or disconnected */
  unsigned pipe_end;             /**< 0 server, 1 client */
} FILE_OBJECT;

#define FILE_DEVICE_DISK 0x07u
#define FILE_DEVICE_NAMED_PIPE 0x11u
#define FILE_DEVICE_NULL 0x15u
#define FILE_DEVICE_CONSOLE 0x50u

/** Facts for the query services. */
struct io_basic {
  bool exists, directory, writable;
  ULONG64 size, identity;
};

/** One name that NtQueryDirectoryFile reports. */
struct io_entry {
  const char *name; /**< UTF-8; valid until the next call */
  struct io_basic basic;
};

/** All times of all files: nothing of the host's clock is seen by a guest. */
#define IO_FILE_TIME 133485408000000000ull
/** Offsets with a meaning of their own. */
#define FILE_WRITE_TO_END_OF_FILE (-1ll)
#define FILE_USE_FILE_POINTER_POSITION (-2ll)
/** Files that a guest writes may not become larger. */
#define IO_MAX_FILE_SIZE (1ll << 36)
/** Largest file that may back a section. */
#define IO_MAX_SECTION_FILE ((size_t)1 << 30)

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
/** Makes another host folder visible; the first folder at a guest path wins. False: no memory, or a bad path. */
bool io_add_root(const struct io_root *root);
/** Programs can write to some folder. */
bool io_can_write(void);
/** Closes host descriptors that are still open. */
void IoShutdownSystem(void);
/** Turns an absolute or root-relative NT path into its normal form (\??\C:\..., \Device\Null, \Device\ConDrv\...), in
 *  the pool; `root` may be NULL. A trailing backslash stays: it says that a directory is meant.
 *  STATUS_OBJECT_PATH_SYNTAX_BAD, STATUS_OBJECT_NAME_INVALID, STATUS_OBJECT_NAME_NOT_FOUND,
 *  STATUS_OBJECT_PATH_NOT_FOUND, STATUS_BAD_NETWORK_PATH, STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS io_normalise(const FILE_OBJECT *root, const char *path, char **out);
/** Opens or creates; one reference, no handle. *information receives FILE_OPENED 1, FILE_CREATED 2...
 *  STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_PATH_NOT_FOUND, STATUS_ACCESS_DENIED, STATUS_OBJECT_NAME_COLLISION,
 *  STATUS_FILE_IS_A_DIRECTORY, STATUS_NOT_A_DIRECTORY, STATUS_INVALID_PARAMETER (options), STATUS_USER_MAPPED_FILE (of
 *  dispositions that empty it), STATUS_INSUFFICIENT_RESOURCES */
NTSTATUS IoCreateFile(const char *nt_path, ACCESS_MASK DesiredAccess, ULONG Disposition, ULONG Options,
                      FILE_OBJECT **File, ULONG64 *information);
/** Rights that a handle to the file may have: `DesiredAccess` without generic bits and MAXIMUM_ALLOWED. */
ACCESS_MASK io_grant(const FILE_OBJECT *File, ACCESS_MASK DesiredAccess);
/** File number for information classes: made from the path, not from the host's inode, so that runs are alike. */
ULONG64 io_file_id(const char *nt_path);
/** Facts without opening. Same statuses as IoCreateFile. */
NTSTATUS io_query_path(const char *nt_path, struct io_basic *out);
/** Reads at *offset (NULL: the file's position). STATUS_END_OF_FILE, STATUS_INVALID_DEVICE_REQUEST for directories. */
NTSTATUS io_read(FILE_OBJECT *File, void *buffer, ULONG size, const LONG64 *offset, ULONG *done);
/** The same for writing. STATUS_DISK_FULL, STATUS_INVALID_DEVICE_REQUEST, STATUS_MEDIA_WRITE_PROTECTED. */
NTSTATUS io_write(FILE_OBJECT *File, const void *buffer, ULONG size, const LONG64 *offset, ULONG *done);
/** Cuts or grows a file. Statuses of io_write; STATUS_USER_MAPPED_FILE. */
NTSTATUS io_set_size(FILE_OBJECT *File, ULONG64 size);
/** Makes a File object for a console stream (0 input, 1 output, 2 error). */
NTSTATUS io_create_console(int stream, FILE_OBJECT **File);
/** Whole content of a file (malloc'ed through base, freed with free()); for sections.
 *  STATUS_INVALID_FILE_FOR_SECTION, STATUS_SECTION_TOO_BIG, STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS io_read_all(FILE_OBJECT *File, void **bytes, size_t *size);
/** Size of a file that is to back a data section; from here on it counts as read. Statuses of io_read_all. */
NTSTATUS io_section_size(FILE_OBJECT *File, ULONG64 *size);
/** Reads a page of such a file as it is now; *done is less than `size` at its end, and never 0 for success.
 *  STATUS_END_OF_FILE: it ends at or before `offset`; STATUS_IO_DEVICE_ERROR. */
NTSTATUS io_read_page(const FILE_OBJECT *File, void *buffer, ULONG size, ULONG64 offset, ULONG *done);
/** Current facts of an open file. */
void io_query(const FILE_OBJECT *File, struct io_basic *out);
/** Marks a file for deletion at the close of its last handle, or takes the mark back.
 *  STATUS_CANNOT_DELETE (read-only root, virtual directory), STATUS_DIRECTORY_NOT_EMPTY. */
NTSTATUS io_set_delete(FILE_OBJECT *File, bool remove);
/** Gives a file another path (normal form) under a writable root.
 *  STATUS_OBJECT_NAME_COLLISION, STATUS_ACCESS_DENIED, STATUS_NOT_SAME_DEVICE and those of io_query_path. */
NTSTATUS io_rename(FILE_OBJECT *File, const char *nt_path, bool replace);
/** Next name of a directory that fits the pattern. `pattern` (UTF-8, NULL: everything) counts at the first query of the
 *  handle only; `restart` goes back to the first name. `.` and `..` come first unless the directory is a drive's root;
 *  then names in order of their upper-case form.
 *  @return STATUS_NO_MORE_FILES; STATUS_NO_SUCH_FILE when a first query finds nothing; STATUS_INVALID_PARAMETER for a
 *  file that is no directory */
NTSTATUS io_next_entry(FILE_OBJECT *File, bool restart, const char *pattern, struct io_entry *out);
/** Makes io_next_entry return the last name again (it did not fit into the caller's buffer). */
void io_push_back_entry(FILE_OBJECT *File);
/** Frees what a directory's query loaded. */
void io_free_names(FILE_OBJECT *File);

/* ---- inputs.c: what a run depends on ---- */

/** A file that was read, or a name that was looked for in vain. */
struct io_input {
  char *path; /**< DOS path; pool */
  ULONG64 size;
  uint8_t sha256[SHA256_BYTES];
  bool existed; /**< when it was looked for first; else the rest is 0 */
  bool hashed;  /**< size and sha256 are what it held when it was read first */
};
/** From now on, notes are taken. False: no memory. */
bool io_note_inputs(void);
/** Notes go elsewhere from now on, nowhere for NULL; returns what was set. */
struct io_inputs *io_swap_inputs(struct io_inputs *inputs);
/** They in order of first use; NULL behind the last. What programs made or changed before anybody read it is none. Valid
 *  until a name is looked for. */
const struct io_input *io_input_at(unsigned index);
/** Size and hash of a file now; path is NULL. Statuses of IoCreateFile; success and not hashed: a directory, or a file that
 *  can not be read. */
NTSTATUS io_hash_path(const char *nt_path, struct io_input *out);

/* ---- text.c: names; no locale is asked ---- */

/** Upper case of a code point of the Latin-1, Greek and Cyrillic blocks; any other is returned as it is. */
uint32_t io_upcase(uint32_t code_point);
/** Order of two names without regard to case: negative, 0, positive. */
int io_compare_names(const char *left, const char *right);
/** True if a name matches a pattern with * ? < > " (FsRtlIsNameInExpression); *.* fits everything. */
bool io_name_matches(const char *pattern, const char *name);
/** UTF-16 of a UTF-8 text in the pool, not terminated; *bytes is its length. NULL: no memory. */
WCHAR *io_utf16(const char *text, ULONG *bytes);
/** UTF-8 of UTF-16 in the pool, NUL-terminated; stops at a NUL. NULL: no memory. */
char *io_utf8(const WCHAR *text, size_t characters);

#define STATUS_BAD_NETWORK_PATH NT_STATUS_VALUE(0xC00000BE)
#define STATUS_DISK_FULL NT_STATUS_VALUE(0xC000007F)
#define STATUS_USER_MAPPED_FILE NT_STATUS_VALUE(0xC0000243)
#define STATUS_IO_DEVICE_ERROR NT_STATUS_VALUE(0xC0000185)
#define STATUS_NAME_TOO_LONG NT_STATUS_VALUE(0xC0000106)

#endif
