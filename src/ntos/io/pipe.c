/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and instances of pipes: creating, opening, disconnecting, closing. What moves through is in pipe_data.c. */
#include "ntos/io/pipe_internal.h"

#define PIPE_PREFIX "\\Device\\NamedPipe\\"
#define FILE_OPENED 1
#define FILE_CREATED 2

bool io_is_pipe_path(const char *normal) { return strncmp(normal, PIPE_PREFIX, sizeof(PIPE_PREFIX) - 1) == 0; }

static struct io_pipe *find_pipe(const char *name)
{
  LIST_ENTRY *pipes = &io_state_of()->pipes;
  for (LIST_ENTRY *e = pipes->Flink; e != pipes; e = e->Flink) {
    struct io_pipe *pipe = CONTAINING_RECORD(e, struct io_pipe, entry);
    if (io_compare_names(pipe->name, name) == 0)
      return pipe;
  }
  return NULL;
}

static NTSTATUS new_pipe(const char *name, const struct io_pipe_options *options, struct io_pipe **out)
{
  struct io_pipe *pipe = ExAllocatePoolWithTag(sizeof(*pipe), IO_TAG);
  char *copy = io_duplicate(name);
  if (pipe == NULL || copy == NULL) {
    ExFreePool(pipe);
    ExFreePool(copy);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  pipe->name = copy;
  pipe->type = options->type;
  pipe->share_access = options->share_access;
  pipe->maximum_instances = options->maximum_instances;
  InitializeListHead(&pipe->instances);
  InsertTailList(&io_state_of()->pipes, &pipe->entry);
  *out = pipe;
  return STATUS_SUCCESS;
}

static void drop_pipe_if_unused(struct io_pipe *pipe)
{
  if (!IsListEmpty(&pipe->instances))
    return;
  RemoveEntryList(&pipe->entry);
  ExFreePool(pipe->name);
  ExFreePool(pipe);
}

static NTSTATUS find_or_make(const char *name, const struct io_pipe_options *options, struct io_pipe **pipe,
                             ULONG64 *information)
{
  *pipe = find_pipe(name);
  *information = *pipe != NULL ? FILE_OPENED : FILE_CREATED;
  if (*pipe == NULL)
    return options->disposition == FILE_OPEN ? STATUS_OBJECT_NAME_NOT_FOUND : new_pipe(name, options, pipe);
  if (options->disposition == FILE_CREATE || (*pipe)->type != options->type ||
      (*pipe)->share_access != options->share_access)
    return STATUS_ACCESS_DENIED;
  return (*pipe)->instance_count >= (*pipe)->maximum_instances ? STATUS_INSTANCE_NOT_AVAILABLE : STATUS_SUCCESS;
}

/* Wine's kernelbase asks for FILE_OVERWRITE_IF where FILE_OPEN_IF is meant. */
static bool valid_disposition(ULONG disposition)
{
  return disposition == FILE_OPEN || disposition == FILE_CREATE || disposition == FILE_OPEN_IF ||
         disposition == FILE_OVERWRITE_IF;
}

NTSTATUS io_pipe_create(const char *nt_path, const struct io_pipe_options *options, FILE_OBJECT **File,
                        ULONG64 *information)
{
  char *path;
  struct io_pipe *pipe;
  *File = NULL;
  bool shares = options->share_access != 0 && (options->share_access & ~(FILE_SHARE_READ | FILE_SHARE_WRITE)) == 0;
  if (!shares || options->maximum_instances == 0 || options->type > FILE_PIPE_MESSAGE_TYPE ||
      options->read_mode > options->type || options->completion_mode > FILE_PIPE_COMPLETE_OPERATION ||
      !valid_disposition(options->disposition))
    return STATUS_INVALID_PARAMETER;
  NTSTATUS status = io_normalise(NULL, nt_path, &path);
  if (!NT_SUCCESS(status))
    return status;
  const char *name = path + sizeof(PIPE_PREFIX) - 1;
  if (!io_is_pipe_path(path) || *name == 0) {
    ExFreePool(path);
    return STATUS_OBJECT_TYPE_MISMATCH;
  }
  status = find_or_make(name, options, &pipe, information);
  if (!NT_SUCCESS(status)) {
    ExFreePool(path);
    return status;
  }
  struct io_pipe_instance *instance = ExAllocatePoolWithTag(sizeof(*instance), IO_TAG);
  status = STATUS_INSUFFICIENT_RESOURCES;
  if (instance != NULL)
    status = io_create_object(IO_PIPE, path, File);
  else
    ExFreePool(path);
  if (!NT_SUCCESS(status)) {
    ExFreePool(instance);
    drop_pipe_if_unused(pipe);
    return status;
  }
  instance->pipe = pipe;
  instance->state = FILE_PIPE_LISTENING_STATE;
  instance->read_mode[PIPE_SERVER] = options->read_mode;
  instance->completion_mode[PIPE_SERVER] = options->completion_mode;
  InitializeListHead(&instance->listeners);
  for (unsigned i = 0; i < 2; i++) {
    InitializeListHead(&instance->queue[i].data);
    InitializeListHead(&instance->queue[i].readers);
    instance->queue[i].quota = options->quota[i];
  }
  instance->end[PIPE_SERVER] = *File;
  InsertTailList(&pipe->instances, &instance->entry);
  pipe->instance_count++;
  (*File)->pipe = instance;
  (*File)->pipe_end = PIPE_SERVER;
  return STATUS_SUCCESS;
}

static struct io_pipe_instance *find_listening(struct io_pipe *pipe)
{
  for (LIST_ENTRY *e = pipe->instances.Flink; e != &pipe->instances; e = e->Flink) {
    struct io_pipe_instance *instance = CONTAINING_RECORD(e, struct io_pipe_instance, entry);
    if (instance->state == FILE_PIPE_LISTENING_STATE)
      return instance;
  }
  return NULL;
}

NTSTATUS io_pipe_open(char *path, ACCESS_MASK access, FILE_OBJECT **File)
{
  struct io_pipe *pipe = find_pipe(path + sizeof(PIPE_PREFIX) - 1);
  struct io_pipe_instance *instance = pipe != NULL ? find_listening(pipe) : NULL;
  NTSTATUS status = STATUS_SUCCESS;
  LIST_ENTRY finished;
  *File = NULL;
  if (pipe == NULL)
    status = STATUS_OBJECT_NAME_NOT_FOUND;
  else if (((access & FILE_READ_DATA) && !(pipe->share_access & FILE_SHARE_READ)) ||
           ((access & FILE_WRITE_DATA) && !(pipe->share_access & FILE_SHARE_WRITE)))
    status = STATUS_ACCESS_DENIED;
  else if (instance == NULL)
    status = STATUS_PIPE_NOT_AVAILABLE;
  if (!NT_SUCCESS(status)) {
    ExFreePool(path);
    return status;
  }
  status = io_create_object(IO_PIPE, path, File);
  if (!NT_SUCCESS(status))
    return status;
  instance->end[PIPE_CLIENT] = *File;
  instance->read_mode[PIPE_CLIENT] = 0;
  instance->completion_mode[PIPE_CLIENT] = 0;
  instance->state = FILE_PIPE_CONNECTED_STATE;
  (*File)->pipe = instance;
  (*File)->pipe_end = PIPE_CLIENT;
  InitializeListHead(&finished);
  pipe_finish_list(&instance->listeners, STATUS_SUCCESS, &finished);
  pipe_complete_all(&finished);
  return STATUS_SUCCESS;
}

static void free_instance(struct io_pipe_instance *instance)
{
  struct io_pipe *pipe = instance->pipe;
  RemoveEntryList(&instance->entry);
  pipe->instance_count--;
  ExFreePool(instance);
  drop_pipe_if_unused(pipe);
}

NTSTATUS io_pipe_disconnect(FILE_OBJECT *File)
{
  struct io_pipe_instance *instance = File->pipe;
  LIST_ENTRY finished;
  if (File->pipe_end != PIPE_SERVER || instance == NULL)
    return STATUS_INVALID_PARAMETER;
  if (instance->state == FILE_PIPE_DISCONNECTED_STATE)
    return STATUS_PIPE_DISCONNECTED;
  InitializeListHead(&finished);
  for (unsigned i = 0; i < 2; i++) {
    pipe_finish_list(&instance->queue[i].readers, STATUS_PIPE_DISCONNECTED, &finished);
    pipe_discard(&instance->queue[i], STATUS_PIPE_DISCONNECTED, &finished);
  }
  pipe_finish_list(&instance->listeners, STATUS_PIPE_DISCONNECTED, &finished);
  if (instance->end[PIPE_CLIENT] != NULL)
    instance->end[PIPE_CLIENT]->pipe = NULL;
  instance->end[PIPE_CLIENT] = NULL;
  instance->state = FILE_PIPE_DISCONNECTED_STATE;
  pipe_complete_all(&finished);
  return STATUS_SUCCESS;
}

void io_pipe_close(FILE_OBJECT *File)
{
  struct io_pipe_instance *instance = File->pipe;
  unsigned end = File->pipe_end;
  LIST_ENTRY finished;
  if (instance == NULL)
    return;
  File->pipe = NULL;
  instance->end[end] = NULL;
  InitializeListHead(&finished);
  for (unsigned i = 0; i < 2; i++)
    pipe_finish_list(&instance->queue[i].readers, STATUS_PIPE_BROKEN, &finished);
  pipe_finish_list(&instance->listeners, STATUS_PIPE_BROKEN, &finished);
  /* What was sent to the end that closes is lost; what it sent stays readable. */
  pipe_discard(&instance->queue[end], STATUS_PIPE_BROKEN, &finished);
  pipe_release_writers(&instance->queue[!end], &finished);
  instance->state = FILE_PIPE_CLOSING_STATE;
  if (instance->end[!end] == NULL) {
    pipe_discard(&instance->queue[!end], STATUS_PIPE_BROKEN, &finished);
    free_instance(instance);
  }
  pipe_complete_all(&finished);
}
