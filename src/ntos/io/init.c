/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The File type and the roots. */
#include "base/resources.h"
#include "ntos/io/io_internal.h"
#include "ntos/io/pipe.h"

#include <stdlib.h>

#define FILE_GENERIC_READ 0x120089u
#define FILE_GENERIC_WRITE 0x120116u
#define FILE_GENERIC_EXECUTE 0x1200A0u

static void delete_file_object(void *object)
{
  FILE_OBJECT *file = object;
  io_pipe_close(file);
  if (file->open_entry.Flink != NULL)
    RemoveEntryList(&file->open_entry);
  if (file->fd >= 0)
    resources_close_fd(KeGetPcr()->resources, file->fd);
  io_free_names(file);
  if (file->completion != NULL)
    ObDereferenceObject(file->completion);
  ExFreePool(file->path);
  ExFreePool(file->host_path);
}

static void close_file_object(EPROCESS *process, void *object, ACCESS_MASK granted, ULONG process_handles,
                              ULONG system_handles)
{
  FILE_OBJECT *file = object;
  (void)process;
  (void)granted;
  (void)process_handles;
  if (system_handles == 1)
    io_pipe_close(file);
  if (system_handles == 1 && file->delete_on_close && file->host_path != NULL)
    (void)host_remove(file->host_path);
}

static bool add_folder(struct io_folder *folder, const struct io_root *root)
{
  const char *guest = root->guest;
  if (strncmp(guest, "\\??\\", 4) == 0)
    guest += 4;
  char *normal;
  char *whole = ExAllocatePoolWithTag(strlen(guest) + 5, IO_TAG);
  if (whole == NULL)
    return false;
  strcpy(whole, "\\??\\");
  strcat(whole, guest);
  NTSTATUS status = io_normalise(NULL, whole, &normal);
  ExFreePool(whole);
  if (!NT_SUCCESS(status) || io_drive_path(normal) == NULL) {
    ExFreePool(normal);
    return false;
  }
  folder->guest = io_duplicate(io_drive_path(normal));
  ExFreePool(normal);
  folder->embedded = root->host == NULL ? root->embedded : NULL;
  folder->host = io_duplicate(root->host != NULL ? root->host : "");
  char *real = root->host != NULL ? host_real_path(root->host) : NULL;
  folder->canonical = real != NULL ? io_duplicate(real) : NULL;
  free(real);
  folder->writable = root->writable && root->host != NULL;
  if (folder->guest == NULL || folder->host == NULL)
    return false;
  folder->guest_length = strlen(folder->guest);
  if (folder->guest[folder->guest_length - 1] == '\\')
    folder->guest[--folder->guest_length] = 0;
  return true;
}

bool IoInitSystem(const struct io_config *config)
{
  static const OBJECT_TYPE file_type = {
      .Name = "File",
      .PoolTag = IO_TAG,
      .GenericMapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS},
      .ValidAccessMask = FILE_ALL_ACCESS,
      .dispatcher_offset = (LONG)offsetof(FILE_OBJECT, Event),
      .DeleteProcedure = delete_file_object,
      .CloseProcedure = close_file_object,
  };
  struct io_state *io = ExAllocatePoolWithTag(sizeof(*io), IO_TAG);
  if (io == NULL)
    return false;
  KeGetPcr()->io = io;
  InitializeListHead(&io->open_files);
  InitializeListHead(&io->pipes);
  io->console_write = config->console_write;
  io->console_read = config->console_read;
  io->console_context = config->console_context;
  io->console_is_terminal = config->console_is_terminal;
  io->file_written = config->file_written;
  io->file_can_be_cut = config->file_can_be_cut;
  io->folders = ExAllocatePoolWithTag((config->root_count + 1) * sizeof(*io->folders), IO_TAG);
  if (io->folders == NULL)
    return false;
  for (unsigned i = 0; i < config->root_count; i++) {
    if (!add_folder(&io->folders[i], &config->roots[i]))
      return false;
    io->folder_count++;
  }
  ob_types()->File = ObCreateObjectType(&file_type);
  return ob_types()->File != NULL;
}

bool io_can_write(void)
{
  const struct io_state *io = io_state_of();
  for (unsigned i = 0; i < io->folder_count; i++) {
    if (io->folders[i].writable)
      return true;
  }
  return false;
}

bool io_add_root(const struct io_root *root)
{
  struct io_state *io = io_state_of();
  struct io_folder *folders = ExReallocatePool(io->folders, (io->folder_count + 1) * sizeof(*folders), IO_TAG);
  if (folders == NULL)
    return false;
  io->folders = folders;
  if (!add_folder(&folders[io->folder_count], root))
    return false;
  io->folder_count++;
  return true;
}

void IoShutdownSystem(void)
{
  struct io_state *io = io_state_of();
  if (io == NULL)
    return;
  for (LIST_ENTRY *entry = io->open_files.Flink; entry != &io->open_files; entry = entry->Flink) {
    FILE_OBJECT *file = CONTAINING_RECORD(entry, FILE_OBJECT, open_entry);
    if (file->fd >= 0)
      resources_close_fd(KeGetPcr()->resources, file->fd);
    file->fd = -1;
  }
}

NTSTATUS io_create_object(enum io_kind kind, char *path, FILE_OBJECT **File)
{
  void *object = NULL;
  NTSTATUS status = ObCreateObject(ob_types()->File, sizeof(FILE_OBJECT), &object);
  *File = NULL;
  if (!NT_SUCCESS(status)) {
    ExFreePool(path);
    return status;
  }
  FILE_OBJECT *file = object;
  file->kind = kind;
  file->path = path;
  file->fd = -1;
  file->device_type = kind == IO_CONSOLE ? FILE_DEVICE_CONSOLE
                      : kind == IO_NULL  ? FILE_DEVICE_NULL
                      : kind == IO_PIPE  ? FILE_DEVICE_NAMED_PIPE
                                         : FILE_DEVICE_DISK;
  KeInitializeEvent(&file->Event, NotificationEvent, TRUE);
  InsertTailList(&io_state_of()->open_files, &file->open_entry);
  *File = file;
  return STATUS_SUCCESS;
}

NTSTATUS io_create_console(int stream, FILE_OBJECT **File)
{
  char *path = io_duplicate(stream == 0 ? "\\Device\\ConDrv\\CurrentIn" : "\\Device\\ConDrv\\CurrentOut");
  *File = NULL;
  if (path == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = io_create_object(IO_CONSOLE, path, File);
  if (NT_SUCCESS(status)) {
    (*File)->stream = stream;
    /* Programs write to a pipe with NtWriteFile alone; to a console with the driver's control codes. */
    if (!io_state_of()->console_is_terminal)
      (*File)->device_type = FILE_DEVICE_NAMED_PIPE;
    (*File)->synchronous = true;
  }
  return status;
}
