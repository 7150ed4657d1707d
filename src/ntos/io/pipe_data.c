/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading, writing and listening at the ends of a pipe. */
#include "ntos/io/pipe_internal.h"

static void unlink_operation(struct io_operation *operation)
{
  if (operation->entry.Flink != NULL)
    RemoveEntryList(&operation->entry);
  operation->entry.Flink = NULL;
}

static void finish(struct io_operation *operation, NTSTATUS status, LIST_ENTRY *finished)
{
  unlink_operation(operation);
  operation->status = status;
  InsertTailList(finished, &operation->entry);
}

void pipe_finish_list(LIST_ENTRY *operations, NTSTATUS status, LIST_ENTRY *finished)
{
  while (!IsListEmpty(operations))
    finish(CONTAINING_RECORD(operations->Flink, struct io_operation, entry), status, finished);
}

/* The operation of a write does not lie in a list: its data does. */
static void end_writer(struct pipe_data *data, NTSTATUS status, LIST_ENTRY *finished)
{
  if (data->writer == NULL)
    return;
  data->writer->done = NT_SUCCESS(status) ? data->size : data->at;
  finish(data->writer, status, finished);
  data->writer = NULL;
}

static void drop_data(struct pipe_queue *queue, struct pipe_data *data)
{
  queue->bytes -= data->size - data->at;
  RemoveEntryList(&data->entry);
  ExFreePool(data->bytes);
  ExFreePool(data);
}

void pipe_discard(struct pipe_queue *queue, NTSTATUS status, LIST_ENTRY *finished)
{
  while (!IsListEmpty(&queue->data)) {
    struct pipe_data *data = CONTAINING_RECORD(queue->data.Flink, struct pipe_data, entry);
    end_writer(data, status, finished);
    drop_data(queue, data);
  }
}

void pipe_release_writers(struct pipe_queue *queue, LIST_ENTRY *finished)
{
  for (LIST_ENTRY *e = queue->data.Flink; e != &queue->data; e = e->Flink)
    end_writer(CONTAINING_RECORD(e, struct pipe_data, entry), STATUS_SUCCESS, finished);
}

void pipe_complete_all(LIST_ENTRY *finished)
{
  while (!IsListEmpty(finished)) {
    struct io_operation *operation = CONTAINING_RECORD(RemoveHeadList(finished), struct io_operation, entry);
    operation->entry.Flink = NULL;
    operation->complete(operation);
  }
}

/* Moves what is there to a reader; the queue is not empty. */
static NTSTATUS take_data(struct pipe_queue *queue, bool message, struct io_operation *reader, LIST_ENTRY *finished)
{
  struct pipe_data *first = CONTAINING_RECORD(queue->data.Flink, struct pipe_data, entry);
  ULONG64 available = message ? first->size - first->at : queue->bytes;
  ULONG size = reader->size < available ? reader->size : (ULONG)available;
  reader->data = ExAllocatePoolWithTag(size > 0 ? size : 1, IO_TAG);
  if (reader->data == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  while (!IsListEmpty(&queue->data)) {
    struct pipe_data *data = CONTAINING_RECORD(queue->data.Flink, struct pipe_data, entry);
    ULONG moved = data->size - data->at < size - reader->done ? data->size - data->at : size - reader->done;
    memcpy(reader->data + reader->done, data->bytes + data->at, moved);
    reader->done += moved;
    data->at += moved;
    queue->bytes -= moved;
    if (data->at < data->size)
      return message ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
    end_writer(data, STATUS_SUCCESS, finished);
    drop_data(queue, data);
    if (message)
      break;
  }
  return STATUS_SUCCESS;
}

static NTSTATUS start_read(struct io_pipe_instance *instance, unsigned end, struct io_operation *operation,
                           LIST_ENTRY *finished)
{
  struct pipe_queue *queue = &instance->queue[end];
  if (!IsListEmpty(&queue->data))
    return take_data(queue, instance->read_mode[end] == FILE_PIPE_MESSAGE_MODE, operation, finished);
  if (instance->state == FILE_PIPE_CLOSING_STATE)
    return STATUS_PIPE_BROKEN;
  if (instance->completion_mode[end] == FILE_PIPE_COMPLETE_OPERATION)
    return STATUS_PIPE_EMPTY;
  InsertTailList(&queue->readers, &operation->entry);
  return STATUS_PENDING;
}

static NTSTATUS start_write(struct io_pipe_instance *instance, unsigned end, struct io_operation *operation,
                            LIST_ENTRY *finished)
{
  struct pipe_queue *queue = &instance->queue[!end];
  bool message = instance->read_mode[!end] == FILE_PIPE_MESSAGE_MODE;
  if (instance->state == FILE_PIPE_CLOSING_STATE)
    return STATUS_PIPE_CLOSING;
  if (operation->size == 0 && instance->pipe->type != FILE_PIPE_MESSAGE_TYPE)
    return STATUS_SUCCESS;
  bool fits = queue->bytes + operation->size <= queue->quota;
  bool waits = !fits && IsListEmpty(&queue->readers);
  if (waits && instance->completion_mode[end] == FILE_PIPE_COMPLETE_OPERATION)
    return STATUS_SUCCESS;
  struct pipe_data *data = ExAllocatePoolWithTag(sizeof(*data), IO_TAG);
  if (data == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  data->bytes = operation->data;
  operation->data = NULL;
  data->size = operation->size;
  queue->bytes += data->size;
  InsertTailList(&queue->data, &data->entry);
  while (!IsListEmpty(&queue->readers) && !IsListEmpty(&queue->data)) {
    struct io_operation *reader = CONTAINING_RECORD(RemoveHeadList(&queue->readers), struct io_operation, entry);
    reader->entry.Flink = NULL;
    NTSTATUS status = take_data(queue, message, reader, finished);
    finish(reader, status, finished);
  }
  operation->done = operation->size;
  /* The data of this write is the last of the queue, if it is still there. */
  if (!IsListEmpty(&queue->data) && queue->bytes > queue->quota) {
    operation->done = 0;
    CONTAINING_RECORD(queue->data.Blink, struct pipe_data, entry)->writer = operation;
    return STATUS_PENDING;
  }
  return STATUS_SUCCESS;
}

static NTSTATUS start_listen(struct io_pipe_instance *instance, unsigned end, struct io_operation *operation)
{
  if (end != PIPE_SERVER)
    return STATUS_INVALID_PARAMETER;
  if (instance->state == FILE_PIPE_CONNECTED_STATE)
    return STATUS_PIPE_CONNECTED;
  if (instance->state == FILE_PIPE_CLOSING_STATE)
    return STATUS_PIPE_CLOSING;
  instance->state = FILE_PIPE_LISTENING_STATE;
  if (instance->completion_mode[end] == FILE_PIPE_COMPLETE_OPERATION)
    return STATUS_PIPE_LISTENING;
  InsertTailList(&instance->listeners, &operation->entry);
  return STATUS_PENDING;
}

NTSTATUS io_pipe_start(struct io_operation *operation)
{
  struct io_pipe_instance *instance = operation->file->pipe;
  unsigned end = operation->file->pipe_end;
  LIST_ENTRY finished;
  NTSTATUS status;
  operation->entry.Flink = NULL;
  operation->done = 0;
  if (instance == NULL)
    return STATUS_PIPE_DISCONNECTED;
  if (operation->kind == IO_LISTEN)
    return start_listen(instance, end, operation);
  if (instance->state == FILE_PIPE_DISCONNECTED_STATE)
    return STATUS_PIPE_DISCONNECTED;
  if (instance->state == FILE_PIPE_LISTENING_STATE)
    return STATUS_PIPE_LISTENING;
  InitializeListHead(&finished);
  if (operation->kind == IO_READ)
    status = start_read(instance, end, operation, &finished);
  else
    status = start_write(instance, end, operation, &finished);
  pipe_complete_all(&finished);
  return status;
}

static struct pipe_data *data_of_writer(const struct io_operation *operation)
{
  struct io_pipe_instance *instance = operation->file->pipe;
  if (instance == NULL || operation->kind != IO_WRITE)
    return NULL;
  struct pipe_queue *queue = &instance->queue[!operation->file->pipe_end];
  for (LIST_ENTRY *e = queue->data.Flink; e != &queue->data; e = e->Flink) {
    struct pipe_data *data = CONTAINING_RECORD(e, struct pipe_data, entry);
    if (data->writer == operation)
      return data;
  }
  return NULL;
}

bool io_pipe_cancel(struct io_operation *operation)
{
  struct pipe_data *data = data_of_writer(operation);
  if (data != NULL) {
    drop_data(&operation->file->pipe->queue[!operation->file->pipe_end], data);
    return true;
  }
  if (operation->entry.Flink == NULL)
    return false;
  unlink_operation(operation);
  return true;
}

static ULONG cancel_list(LIST_ENTRY *operations, const FILE_OBJECT *file,
                         bool (*chosen)(const struct io_operation *, void *), void *context, LIST_ENTRY *finished)
{
  ULONG count = 0;
  for (LIST_ENTRY *e = operations->Flink, *next; e != operations; e = next) {
    struct io_operation *operation = CONTAINING_RECORD(e, struct io_operation, entry);
    next = e->Flink;
    if (operation->file != file || (chosen != NULL && !chosen(operation, context)))
      continue;
    finish(operation, STATUS_CANCELLED, finished);
    count++;
  }
  return count;
}

ULONG io_pipe_cancel_all(FILE_OBJECT *File, bool (*chosen)(const struct io_operation *, void *), void *context)
{
  struct io_pipe_instance *instance = File->pipe;
  LIST_ENTRY finished;
  if (instance == NULL)
    return 0;
  struct pipe_queue *written = &instance->queue[!File->pipe_end];
  InitializeListHead(&finished);
  ULONG count = cancel_list(&instance->listeners, File, chosen, context, &finished);
  count += cancel_list(&instance->queue[File->pipe_end].readers, File, chosen, context, &finished);
  for (LIST_ENTRY *e = written->data.Flink, *next; e != &written->data; e = next) {
    struct pipe_data *data = CONTAINING_RECORD(e, struct pipe_data, entry);
    next = e->Flink;
    if (data->writer == NULL || (chosen != NULL && !chosen(data->writer, context)))
      continue;
    end_writer(data, STATUS_CANCELLED, &finished);
    drop_data(written, data);
    count++;
  }
  pipe_complete_all(&finished);
  return count;
}

NTSTATUS io_pipe_peek(FILE_OBJECT *File, struct io_pipe_peek *out, UCHAR *data, ULONG size, ULONG *copied)
{
  const struct io_pipe_instance *instance = File->pipe;
  *copied = 0;
  memset(out, 0, sizeof(*out));
  if (instance == NULL || instance->state == FILE_PIPE_DISCONNECTED_STATE)
    return STATUS_PIPE_DISCONNECTED;
  if (instance->state == FILE_PIPE_LISTENING_STATE)
    return STATUS_INVALID_PIPE_STATE;
  const struct pipe_queue *queue = &instance->queue[File->pipe_end];
  bool message = instance->read_mode[File->pipe_end] == FILE_PIPE_MESSAGE_MODE;
  if (instance->state == FILE_PIPE_CLOSING_STATE && IsListEmpty(&queue->data))
    return STATUS_PIPE_BROKEN;
  out->state = instance->state;
  out->available = queue->bytes < UINT32_MAX ? (ULONG)queue->bytes : UINT32_MAX;
  for (LIST_ENTRY *e = queue->data.Flink; e != &queue->data; e = e->Flink) {
    const struct pipe_data *piece = CONTAINING_RECORD(e, struct pipe_data, entry);
    ULONG left = piece->size - piece->at;
    if (message && out->messages == 0)
      out->message_length = left;
    if (!message || out->messages == 0) {
      ULONG moved = left < size - *copied ? left : size - *copied;
      memcpy(data + *copied, piece->bytes + piece->at, moved);
      *copied += moved;
    }
    out->messages += message;
  }
  return message && *copied < out->message_length ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}
