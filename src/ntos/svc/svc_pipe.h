/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_pipe.h  Named pipes: making them, and requests on them, which may stay pending. */
#ifndef NTOS_SVC_SVC_PIPE_H
#define NTOS_SVC_SVC_PIPE_H

#include "ntos/svc/svc.h"
#include "ntos/svc/svc_io.h"

extern const struct svc_entry svc_pipe_table[];

/** Makes a pipe's server end, listening. Statuses of io_pipe_create; STATUS_INVALID_PARAMETER for options. */
NTSTATUS NtCreateNamedPipeFile(ULONG64 FileHandle, ACCESS_MASK DesiredAccess, ULONG64 ObjectAttributes,
                               ULONG64 IoStatusBlock, ULONG ShareAccess, ULONG CreateDisposition, ULONG CreateOptions,
                               ULONG NamedPipeType, ULONG ReadMode, ULONG CompletionMode, ULONG MaximumInstances,
                               ULONG InboundQuota, ULONG OutboundQuota, ULONG64 DefaultTimeout);
/** Reads from a pipe, writes to it, or waits for a client (FSCTL_PIPE_LISTEN): ends the request, or leaves it with the
 *  pipe. A file opened for synchronous access waits; another gets STATUS_PENDING and hears of the end later. Statuses
 *  of io_pipe_start; STATUS_CANCELLED (the thread ends). */
NTSTATUS svc_pipe_read(FILE_OBJECT *file, struct svc_request *request, ULONG64 Buffer, ULONG Length);
NTSTATUS svc_pipe_write(FILE_OBJECT *file, struct svc_request *request, ULONG64 Buffer, ULONG Length);
NTSTATUS svc_pipe_listen(FILE_OBJECT *file, struct svc_request *request);
/** Cancels what the caller's process has pending on the file: all, or the request with this status block (0: any).
 *  `own_thread`: only the caller's. Returns how many. */
ULONG svc_pipe_cancel(FILE_OBJECT *file, ULONG64 IoStatusBlock, bool own_thread);
/** FSCTL_PIPE_PEEK's answer: how a pipe stands, and bytes that wait. */
NTSTATUS svc_pipe_peek(FILE_OBJECT *file, ULONG64 Output, ULONG Length, ULONG64 *written);

#endif
