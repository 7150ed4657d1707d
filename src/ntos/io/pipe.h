/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file pipe.h  Named pipes: names, their instances, and the data between the two ends of each. Requests that cannot
 * be served at once wait in the pipe; whoever serves them calls back. */
#ifndef NTOS_IO_PIPE_H
#define NTOS_IO_PIPE_H

#include "ntos/io/io.h"

#define STATUS_INSTANCE_NOT_AVAILABLE NT_STATUS_VALUE(0xC00000AB)
#define STATUS_PIPE_NOT_AVAILABLE NT_STATUS_VALUE(0xC00000AC)
#define STATUS_INVALID_PIPE_STATE NT_STATUS_VALUE(0xC00000AD)
#define STATUS_PIPE_DISCONNECTED NT_STATUS_VALUE(0xC00000B0)
#define STATUS_PIPE_CLOSING NT_STATUS_VALUE(0xC00000B1)
#define STATUS_PIPE_CONNECTED NT_STATUS_VALUE(0xC00000B2)
#define STATUS_PIPE_LISTENING NT_STATUS_VALUE(0xC00000B3)
#define STATUS_PIPE_EMPTY NT_STATUS_VALUE(0xC00000D9)

/* NamedPipeState. */
#define FILE_PIPE_DISCONNECTED_STATE 1u
#define FILE_PIPE_LISTENING_STATE 2u
#define FILE_PIPE_CONNECTED_STATE 3u
#define FILE_PIPE_CLOSING_STATE 4u
/* NamedPipeType, ReadMode, CompletionMode: 0 is byte stream and queue operation. */
#define FILE_PIPE_MESSAGE_TYPE 1u
#define FILE_PIPE_MESSAGE_MODE 1u
#define FILE_PIPE_COMPLETE_OPERATION 1u
/* ShareAccess of the server's end: who may do what at the other. */
#define FILE_SHARE_READ 1u
#define FILE_SHARE_WRITE 2u

enum io_operation_kind { IO_READ, IO_WRITE, IO_LISTEN };

/** A request on a pipe. The owner keeps it until it is complete or cancelled. */
struct io_operation {
  LIST_ENTRY entry; /**< in the pipe while it waits; Flink NULL otherwise */
  FILE_OBJECT *file;
  enum io_operation_kind kind;
  UCHAR *data; /**< pool; of a write: the bytes, taken over by the pipe; of a read: those read, the owner's */
  ULONG size;  /**< bytes asked for */
  ULONG done;  /**< bytes moved */
  NTSTATUS status;
  void (*complete)(struct io_operation *operation); /**< called once if the operation had to wait and is served */
};

/** What a server's end is made with. */
struct io_pipe_options {
  ULONG disposition, share_access;
  ULONG type, read_mode, completion_mode;
  ULONG maximum_instances;
  ULONG quota[2]; /**< bytes that wait on their way to the server and to the client without holding up the writer */
};

struct io_pipe_peek {
  ULONG state, available, messages, message_length;
};

/** Makes a server's end: a new name or another instance of an old one, listening. One reference, no handle.
 *  STATUS_INSTANCE_NOT_AVAILABLE, STATUS_ACCESS_DENIED (FILE_CREATE of an existing name, other type or sharing),
 *  STATUS_OBJECT_NAME_NOT_FOUND (FILE_OPEN of an absent one), STATUS_INVALID_PARAMETER,
 *  STATUS_OBJECT_TYPE_MISMATCH (no pipe's name), STATUS_INSUFFICIENT_RESOURCES */
NTSTATUS io_pipe_create(const char *nt_path, const struct io_pipe_options *options, FILE_OBJECT **File,
                        ULONG64 *information);
/** Opens a client's end; takes `path` (normal form) over. STATUS_OBJECT_NAME_NOT_FOUND, STATUS_PIPE_NOT_AVAILABLE (no
 *  instance listens), STATUS_ACCESS_DENIED (against the sharing), STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS io_pipe_open(char *path, ACCESS_MASK access, FILE_OBJECT **File);
/** True for the normal form of a pipe's name. */
bool io_is_pipe_path(const char *normal);
/** Starts an operation. STATUS_PENDING: it waits, `complete` will be called; any other status: it is over.
 *  STATUS_PIPE_BROKEN (nothing comes any more), STATUS_PIPE_CLOSING (nobody reads), STATUS_PIPE_DISCONNECTED,
 *  STATUS_PIPE_LISTENING, STATUS_PIPE_CONNECTED, STATUS_PIPE_EMPTY, STATUS_BUFFER_OVERFLOW (part of a message),
 *  STATUS_INVALID_PARAMETER (listening at a client's end), STATUS_INSUFFICIENT_RESOURCES */
NTSTATUS io_pipe_start(struct io_operation *operation);
/** Takes an operation back that waits; false if it is over. `complete` is not called. */
bool io_pipe_cancel(struct io_operation *operation);
/** Takes back and completes with STATUS_CANCELLED what waits at this end; returns how many operations.
 *  `chosen` decides for each, NULL: all. */
ULONG io_pipe_cancel_all(FILE_OBJECT *File, bool (*chosen)(const struct io_operation *, void *), void *context);
/** Server's end: the client loses its connection. STATUS_PIPE_DISCONNECTED if there is none,
 *  STATUS_INVALID_PARAMETER at a client's end. */
NTSTATUS io_pipe_disconnect(FILE_OBJECT *File);
/** Looks at what waits to be read; *copied bytes of it go to `data`. STATUS_PIPE_BROKEN, STATUS_PIPE_DISCONNECTED,
 *  STATUS_INVALID_PIPE_STATE (no client yet). */
NTSTATUS io_pipe_peek(FILE_OBJECT *File, struct io_pipe_peek *out, UCHAR *data, ULONG size, ULONG *copied);
/** The last handle of an end is gone. */
void io_pipe_close(FILE_OBJECT *File);

#endif
