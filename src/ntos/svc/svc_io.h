/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_io.h  What all file services share: capture of paths, and how a request ends (event, APC, status block).
 *  Every request is complete when its service returns, but for those on pipes. */
#ifndef NTOS_SVC_SVC_IO_H
#define NTOS_SVC_SVC_IO_H

#include "ntos/io/io.h"

/** Bytes that travel through the kernel at a time, whatever length a guest asks for. */
#define SVC_CHUNK 0x10000u

/** How the caller wants to hear of the end of a request. */
struct svc_request {
  ULONG64 IoStatusBlock;
  ULONG64 ApcContext;
  void *completion; /**< IoCompletion object of the file; referenced, or NULL */
  ULONG64 completion_key;
  KEVENT *event; /**< referenced, or NULL */
  KAPC *apc;     /**< in the pool, or NULL */
};

/** Probes the status block, references and resets the event, makes the APC. The file's completion object gets a packet
 *  if there is no APC and ApcContext is not 0.
 *  @return STATUS_INVALID_PARAMETER (an APC on a file with a completion object), STATUS_ACCESS_VIOLATION,
 *  STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED, STATUS_INSUFFICIENT_RESOURCES */
NTSTATUS svc_begin_request(struct svc_request *request, const FILE_OBJECT *file, HANDLE Event, ULONG64 ApcRoutine,
                           ULONG64 ApcContext, ULONG64 IoStatusBlock);
/** Ends a request and returns `status`. An error (but for the end of a file) tells only the caller, as when a driver
 *  completes a request with an error before it returns; else status block, event and APC are served. */
NTSTATUS svc_end_request(struct svc_request *request, NTSTATUS status, ULONG64 information);
/** Ends a request that was pending: everybody who asked is told, errors too, whoever runs. `process` made it. */
void svc_complete_request(struct svc_request *request, EPROCESS *process, NTSTATUS status, ULONG64 information);
/** Copies to user memory of a process, the current one or another. STATUS_ACCESS_VIOLATION, STATUS_PARTIAL_COPY. */
NTSTATUS svc_write_to(EPROCESS *process, ULONG64 address, const void *bytes, size_t size);
/** Captures a file's OBJECT_ATTRIBUTES64 as a normal path in the pool. Statuses of svc_capture_object_attributes and
 *  io_normalise; STATUS_OBJECT_TYPE_MISMATCH for a root that is no file. */
NTSTATUS svc_capture_file_path(ULONG64 ObjectAttributes, char **path, ULONG *attributes);
/** References a file by handle for the caller's mode. */
NTSTATUS svc_reference_file(HANDLE Handle, ACCESS_MASK access, FILE_OBJECT **File, ACCESS_MASK *granted);
/** Attributes (FILE_ATTRIBUTE_*) of a file with these facts. */
ULONG svc_file_attributes(const struct io_basic *basic);
/** A file's size as allocated, in clusters of 4 KB. */
ULONG64 svc_allocation_size(const struct io_basic *basic);

#define FILE_ATTRIBUTE_DIRECTORY 0x10u
#define FILE_ATTRIBUTE_ARCHIVE 0x20u
#define FILE_ATTRIBUTE_NORMAL 0x80u

#endif
