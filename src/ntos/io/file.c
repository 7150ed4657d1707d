/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening, creating, renaming and deleting. */
#include "base/resources.h"
#include "ntos/io/io_internal.h"
#include "ntos/io/pipe.h"

/* Rights that change a file; nobody gets them below a read-only root. */
#define CHANGING_RIGHTS 0x000D0156u
/* Rights that make a file open for writing on the host. */
#define WRITING_RIGHTS (FILE_WRITE_DATA | FILE_APPEND_DATA)
#define MAXIMUM_DISPOSITION FILE_OVERWRITE_IF

#define FILE_SUPERSEDED 0
#define FILE_OPENED 1
#define FILE_CREATED 2
#define FILE_OVERWRITTEN 3

struct request {
  ACCESS_MASK access; /* without generic bits */
  bool maximum_allowed;
  ULONG disposition, options;
  bool names_directory; /* trailing backslash */
};

static bool makes(ULONG disposition)
{
  return disposition == FILE_SUPERSEDE || disposition == FILE_CREATE || disposition == FILE_OPEN_IF ||
         disposition == FILE_OVERWRITE_IF;
}

static bool empties(ULONG disposition)
{
  return disposition == FILE_SUPERSEDE || disposition == FILE_OVERWRITE || disposition == FILE_OVERWRITE_IF;
}

static NTSTATUS check_options(const struct request *r)
{
  if (r->disposition > MAXIMUM_DISPOSITION)
    return STATUS_INVALID_PARAMETER;
  if ((r->options & FILE_DIRECTORY_FILE) && ((r->options & FILE_NON_DIRECTORY_FILE) || empties(r->disposition)))
    return STATUS_INVALID_PARAMETER;
  if ((r->options & FILE_DELETE_ON_CLOSE) && !(r->access & DELETE_ACCESS) && !r->maximum_allowed)
    return STATUS_INVALID_PARAMETER;
  return STATUS_SUCCESS;
}

ACCESS_MASK io_grant(const FILE_OBJECT *File, ACCESS_MASK DesiredAccess)
{
  ACCESS_MASK access = ob_map_access(ob_types()->File, DesiredAccess);
  bool device = File->kind == IO_CONSOLE || File->kind == IO_NULL || File->kind == IO_PIPE;
  if ((DesiredAccess & MAXIMUM_ALLOWED) && !device && !File->writable)
    access &= ~CHANGING_RIGHTS;
  /* Who may list the folder may read attributes; Wine's MoveFile does so on a handle opened with DELETE alone. */
  return (access & ~MAXIMUM_ALLOWED) | FILE_READ_ATTRIBUTES;
}

static NTSTATUS open_device(char *path, ACCESS_MASK access, FILE_OBJECT **File)
{
  if (io_is_pipe_path(path))
    return io_pipe_open(path, access, File);
  bool console = strncmp(path, "\\Device\\ConDrv", 14) == 0;
  bool input = strcmp(path, "\\Device\\ConDrv\\CurrentIn") == 0 ||
               (strcmp(path, "\\Device\\ConDrv\\Console") == 0 && !(access & WRITING_RIGHTS));
  NTSTATUS status = io_create_object(console ? IO_CONSOLE : IO_NULL, path, File);
  if (NT_SUCCESS(status))
    (*File)->stream = input ? 0 : 1;
  return status;
}

/* What stands in the way of opening an existing file or directory. */
static NTSTATUS check_existing(const struct request *r, const struct io_location *at)
{
  bool directory = at->facts.kind == HOST_DIRECTORY;
  if (r->disposition == FILE_CREATE)
    return STATUS_OBJECT_NAME_COLLISION;
  if (directory && (r->options & FILE_NON_DIRECTORY_FILE))
    return STATUS_FILE_IS_A_DIRECTORY;
  if (directory && empties(r->disposition))
    return STATUS_OBJECT_NAME_COLLISION;
  if (!directory && (r->options & FILE_DIRECTORY_FILE))
    return STATUS_NOT_A_DIRECTORY;
  if (!directory && r->names_directory)
    return STATUS_OBJECT_NAME_INVALID;
  bool changes = (r->access & CHANGING_RIGHTS) != 0 || empties(r->disposition) || (r->options & FILE_DELETE_ON_CLOSE);
  /* FILE_ADD_FILE and FILE_ADD_SUBDIRECTORY are the same bits; a virtual directory has no folder. */
  if (changes && !r->maximum_allowed && (at->folder == NULL || !at->folder->writable))
    return STATUS_ACCESS_DENIED;
  if (changes && (empties(r->disposition) || (r->options & FILE_DELETE_ON_CLOSE)) &&
      (at->folder == NULL || !at->folder->writable))
    return STATUS_ACCESS_DENIED;
  if (empties(r->disposition) && !io_can_be_cut(io_identity(&at->facts), 0))
    return STATUS_USER_MAPPED_FILE;
  return STATUS_SUCCESS;
}

static NTSTATUS check_new(const struct request *r, const struct io_location *at)
{
  if (at->status != STATUS_OBJECT_NAME_NOT_FOUND || !makes(r->disposition))
    return at->status;
  if (r->names_directory && !(r->options & FILE_DIRECTORY_FILE))
    return STATUS_OBJECT_NAME_INVALID;
  if (at->host == NULL || at->folder == NULL || !at->folder->writable)
    return STATUS_ACCESS_DENIED;
  return STATUS_SUCCESS;
}

/* Makes what is absent and opens the host's descriptor. */
static NTSTATUS open_host(FILE_OBJECT *file, const struct request *r, struct io_location *at, ULONG64 *information)
{
  bool exists = at->status == STATUS_SUCCESS;
  *information = FILE_OPENED;
  if (exists && at->facts.kind == HOST_DIRECTORY)
    return STATUS_SUCCESS;
  if (!exists && (r->options & FILE_DIRECTORY_FILE)) {
    *information = FILE_CREATED;
    return host_mkdir(at->host) && host_stat_path(at->host, &at->facts) ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
  }
  bool write = !exists || empties(r->disposition) || (r->access & WRITING_RIGHTS) != 0;
  if (at->folder != NULL && !at->folder->writable)
    write = false;
  file->fd = write ? host_open(at->host, true, !exists, exists && empties(r->disposition)) : io_open_for_reading(at);
  if (file->fd < 0 && r->maximum_allowed && exists) {
    file->writable = false;
    file->fd = io_open_for_reading(at);
  }
  if (file->fd < 0)
    return STATUS_ACCESS_DENIED;
  if (!resources_add_fd(KeGetPcr()->resources, file->fd))
    return STATUS_INSUFFICIENT_RESOURCES;
  if (!host_stat_fd(file->fd, &at->facts) || at->facts.kind != HOST_FILE)
    return STATUS_ACCESS_DENIED;
  if (!exists)
    *information = FILE_CREATED;
  else if (r->disposition == FILE_SUPERSEDE)
    *information = FILE_SUPERSEDED;
  else if (empties(r->disposition))
    *information = FILE_OVERWRITTEN;
  return STATUS_SUCCESS;
}

/* A File object for what was located; takes `path` over. */
static NTSTATUS open_located(char *path, const struct request *r, struct io_location *at, FILE_OBJECT **File,
                             ULONG64 *information)
{
  FILE_OBJECT *file;
  NTSTATUS status = io_create_object(IO_FILE, path, &file);
  if (!NT_SUCCESS(status))
    return status;
  file->host_path = at->host;
  at->host = NULL;
  file->writable = at->folder != NULL && at->folder->writable;
  file->virtual_directory = at->virtual_directory;
  struct io_location opened = *at;
  opened.host = file->host_path;
  status = open_host(file, r, &opened, information);
  if (!NT_SUCCESS(status)) {
    ObDereferenceObject(file);
    return status;
  }
  file->kind = opened.facts.kind == HOST_DIRECTORY ? IO_DIRECTORY : IO_FILE;
  if (*information != FILE_OPENED)
    io_note_change(file);
  file->size = opened.facts.size;
  file->identity = file->virtual_directory ? 0 : io_identity(&opened.facts);
  file->append = (r->access & WRITING_RIGHTS) == FILE_APPEND_DATA;
  file->delete_on_close = (r->options & FILE_DELETE_ON_CLOSE) != 0;
  file->synchronous = (r->options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) != 0;
  *File = file;
  return STATUS_SUCCESS;
}

static bool strip_backslash(char *path)
{
  size_t n = strlen(path);
  if (n <= 7 || path[n - 1] != '\\') /* \??\C:\ keeps its own */
    return false;
  path[n - 1] = 0;
  return true;
}

NTSTATUS IoCreateFile(const char *nt_path, ACCESS_MASK DesiredAccess, ULONG Disposition, ULONG Options,
                      FILE_OBJECT **File, ULONG64 *information)
{
  char *path;
  ULONG64 ignored;
  struct io_location at;
  struct request r = {.disposition = Disposition, .options = Options};
  *File = NULL;
  if (information == NULL)
    information = &ignored;
  r.access = ob_map_access(ob_types()->File, DesiredAccess & ~MAXIMUM_ALLOWED);
  r.maximum_allowed = (DesiredAccess & MAXIMUM_ALLOWED) != 0;
  NTSTATUS status = check_options(&r);
  if (!NT_SUCCESS(status))
    return status;
  status = io_normalise(NULL, nt_path, &path);
  if (!NT_SUCCESS(status))
    return status;
  if (io_drive_path(path) == NULL) {
    status = open_device(path, r.access, File);
    if (NT_SUCCESS(status))
      (*File)->synchronous = (Options & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) != 0;
    *information = FILE_OPENED;
    return status;
  }
  r.names_directory = strip_backslash(path);
  io_locate(io_drive_path(path), &at);
  io_note_search(path, at.status);
  /* With everything asked that is allowed, the explicit rights still have to be there. */
  if (r.maximum_allowed && (r.access & CHANGING_RIGHTS))
    r.maximum_allowed = false;
  else if (r.maximum_allowed && at.folder != NULL && at.folder->writable && at.facts.kind != HOST_DIRECTORY)
    r.access |= FILE_WRITE_DATA;
  status = at.status == STATUS_SUCCESS ? check_existing(&r, &at) : check_new(&r, &at);
  if (NT_SUCCESS(status)) {
    status = open_located(path, &r, &at, File, information);
  } else {
    ExFreePool(path);
  }
  ExFreePool(at.host);
  return status;
}

static void fill_basic(const struct io_location *at, struct io_basic *out)
{
  memset(out, 0, sizeof(*out));
  out->exists = at->status == STATUS_SUCCESS;
  if (!out->exists)
    return;
  out->directory = at->facts.kind == HOST_DIRECTORY;
  out->writable = at->folder != NULL && at->folder->writable;
  out->size = out->directory ? 0 : at->facts.size;
  out->identity = at->virtual_directory ? 0 : io_identity(&at->facts);
}

NTSTATUS io_query_path(const char *nt_path, struct io_basic *out)
{
  char *path;
  struct io_location at;
  memset(out, 0, sizeof(*out));
  NTSTATUS status = io_normalise(NULL, nt_path, &path);
  if (!NT_SUCCESS(status))
    return status;
  if (io_drive_path(path) == NULL) {
    ExFreePool(path);
    return STATUS_INVALID_DEVICE_REQUEST;
  }
  bool names_directory = strip_backslash(path);
  io_locate(io_drive_path(path), &at);
  io_note_search(path, at.status);
  status = at.status;
  if (NT_SUCCESS(status) && names_directory && at.facts.kind != HOST_DIRECTORY)
    status = STATUS_OBJECT_NAME_INVALID;
  fill_basic(&at, out);
  ExFreePool(at.host);
  ExFreePool(path);
  return status;
}

void io_query(const FILE_OBJECT *File, struct io_basic *out)
{
  memset(out, 0, sizeof(*out));
  out->exists = true;
  out->directory = File->kind == IO_DIRECTORY;
  out->writable = File->writable;
  out->size = out->directory ? 0 : File->size;
  out->identity = File->identity;
}

NTSTATUS io_set_delete(FILE_OBJECT *File, bool remove)
{
  if (!remove) {
    File->delete_on_close = false;
    return STATUS_SUCCESS;
  }
  if (!File->writable || File->virtual_directory || File->host_path == NULL)
    return STATUS_CANNOT_DELETE;
  if (File->kind == IO_DIRECTORY) {
    char **names = host_list_directory(File->host_path);
    bool empty = names != NULL && names[0] == NULL;
    host_free_names(names);
    if (!empty)
      return STATUS_DIRECTORY_NOT_EMPTY;
  }
  File->delete_on_close = true;
  return STATUS_SUCCESS;
}

NTSTATUS io_rename(FILE_OBJECT *File, const char *nt_path, bool replace)
{
  struct io_location at;
  if (!File->writable || File->virtual_directory || File->host_path == NULL)
    return STATUS_ACCESS_DENIED;
  if (io_drive_path(nt_path) == NULL)
    return STATUS_NOT_SAME_DEVICE;
  io_locate(io_drive_path(nt_path), &at);
  io_note_search(nt_path, at.status);
  NTSTATUS status = at.status;
  char *path = NULL;
  if (NT_SUCCESS(status))
    status = replace && at.facts.kind == HOST_FILE ? STATUS_SUCCESS : STATUS_OBJECT_NAME_COLLISION;
  else if (status == STATUS_OBJECT_NAME_NOT_FOUND)
    status = STATUS_SUCCESS;
  if (NT_SUCCESS(status) && (at.host == NULL || at.folder == NULL || !at.folder->writable))
    status = STATUS_ACCESS_DENIED;
  if (NT_SUCCESS(status)) {
    path = io_duplicate(nt_path);
    status = path != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
  }
  if (NT_SUCCESS(status) && !host_rename(File->host_path, at.host, replace))
    status = STATUS_ACCESS_DENIED;
  if (NT_SUCCESS(status)) {
    (void)strip_backslash(path);
    ExFreePool(File->path);
    ExFreePool(File->host_path);
    File->path = path;
    File->host_path = at.host;
    io_note_change(File);
    return STATUS_SUCCESS;
  }
  ExFreePool(path);
  ExFreePool(at.host);
  return status;
}
