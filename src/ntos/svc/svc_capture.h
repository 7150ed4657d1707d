/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_capture.h  Kernel copies of what services are given by address: OBJECT_ATTRIBUTES, handles, timeouts. */
#ifndef NTOS_SVC_SVC_CAPTURE_H
#define NTOS_SVC_SVC_CAPTURE_H

#include "ntos/inc/pcr.h"

/** What a service needs of an OBJECT_ATTRIBUTES64. */
struct svc_object_attributes {
  /** UTF-8, in the pool: an absolute object path (`\BaseNamedObjects\x`, `\??\C:\x`, `\Registry\...`), or, when
   *  `root` is set, a path relative to it (may be ""). NULL: no name, or an empty one without a root. */
  char *name;
  /** Referenced object of a RootDirectory that is not a Directory (a FILE_OBJECT, a key); NULL otherwise. The name of
   *  an object below a Directory is made absolute. */
  void *root;
  ULONG Attributes; /**< OBJ_*; OBJ_KERNEL_HANDLE is dropped */
};

/** Captures OBJECT_ATTRIBUTES64; 0 gives no name and no attributes. Release in every case that returned success.
 *  @return STATUS_ACCESS_VIOLATION, STATUS_DATATYPE_MISALIGNMENT; STATUS_INVALID_PARAMETER (Length, Attributes);
 *  STATUS_OBJECT_NAME_INVALID; STATUS_OBJECT_PATH_SYNTAX_BAD (no leading backslash, or one below a Directory);
 *  STATUS_INVALID_HANDLE; STATUS_INSUFFICIENT_RESOURCES */
NTSTATUS svc_capture_object_attributes(ULONG64 object_attributes, struct svc_object_attributes *out);
/** Frees the name and dereferences the root. */
void svc_release_object_attributes(struct svc_object_attributes *attributes);

/** Checks that a handle (8 bytes, any alignment) can be written at `address`. */
NTSTATUS svc_probe_handle(ULONG64 address);
/** Writes a handle that was probed; a failure now leaves the handle open, as on Windows. */
void svc_write_handle(ULONG64 address, HANDLE handle);

/** Captures an optional LARGE_INTEGER timeout: *timeout points at `storage`, or is NULL for address 0. */
NTSTATUS svc_capture_timeout(ULONG64 address, LONG64 *storage, const LONG64 **timeout);

/** Ends a query: writes `size` bytes of information and, if its address is not 0, the return length. */
NTSTATUS svc_write_information(ULONG64 address, const void *information, ULONG size, ULONG64 return_length);

#endif
