/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what the arguments of a service lead to, when it is entered and when it is left. Every pointer is hostile; the
 * process does not notice: mm_process_read leaves guard pages as they are. */
#include "ntos/cm/cm.h"
#include "ntos/io/io.h"
#include "ntos/trap/internal.h"
#include "ntos/trap/monitor.h"

#include <stdio.h>
#include <string.h>

/** Bytes that are kept: of a buffer, of the answer to a query, of a string, and of the text about a handle. */
#define KEPT_BYTES 32u
#define KEPT_INFORMATION 64u
#define KEPT_TEXT 512u
#define KEPT_HANDLE 200u
/** Handles of an array that are kept. */
#define KEPT_HANDLES 8u
#define HANDLE_LIMIT 64u
/** A CONTEXT from ContextFlags to Rip. */
#define CONTEXT_FROM 0x30u
#define CONTEXT_SIZE 0xD0u
#define RECORD_SIZE 0x40u
/** Of RTL_USER_PROCESS_PARAMETERS. */
#define PARAMETERS_FLAGS 0x8u
#define PARAMETERS_IMAGE 0x60u
#define PARAMETERS_COMMAND 0x70u
#define PARAMETERS_NORMALIZED 1u

static void *add_item(struct capture *c, unsigned argument, enum capture_content content, bool leaving, ULONG size)
{
  const ULONG room = (size + 7) & ~7u;
  if (c->used + sizeof(struct capture_item) + room > CAPTURE_LIMIT)
    return NULL;
  struct capture_item *item = (struct capture_item *)(void *)(c->bytes + c->used);
  *item = (struct capture_item){.argument = (UCHAR)argument, .content = (UCHAR)content, .leaving = leaving, .size = size};
  memset((UCHAR *)(item + 1) + size, 0, room - size);
  c->used += (ULONG)sizeof *item + room;
  return item + 1;
}

static void drop_item(struct capture *c, void *bytes)
{
  c->used = (ULONG)((UCHAR *)bytes - sizeof(struct capture_item) - c->bytes);
}

static bool read_bytes(ULONG64 address, void *to, size_t size)
{
  return NT_SUCCESS(mm_process_read(PsGetCurrentProcess(), address, to, size, NULL));
}

static void capture_memory(struct capture *c, unsigned argument, bool leaving, ULONG64 address, ULONG size)
{
  void *to = address ? add_item(c, argument, CAPTURE_MEMORY, leaving, size) : NULL;
  if (to && !read_bytes(address, to, size))
    drop_item(c, to);
}

/* The first bytes of a buffer. */
static void capture_buffer(struct capture *c, unsigned argument, bool leaving, ULONG64 address, ULONG64 size, ULONG most)
{
  const ULONG before = c->used;
  capture_memory(c, argument, leaving, address, size < most ? (ULONG)size : most);
  if (c->used != before)
    ((struct capture_item *)(void *)(c->bytes + before))->cut = size > most;
}

static void capture_wide(struct capture *c, unsigned argument, bool leaving, ULONG64 address, ULONG64 size)
{
  const ULONG kept = size < KEPT_TEXT ? (ULONG)size & ~1u : KEPT_TEXT;
  const ULONG before = c->used;
  void *to = add_item(c, argument, CAPTURE_TEXT, leaving, kept);
  if (!to)
    return;
  if (kept && !read_bytes(address, to, kept))
    drop_item(c, to);
  else
    ((struct capture_item *)(void *)(c->bytes + before))->cut = size > KEPT_TEXT;
}

static void capture_string(struct capture *c, unsigned argument, bool leaving, ULONG64 address)
{
  UNICODE_STRING64 string;
  if (address && read_bytes(address, &string, sizeof string))
    capture_wide(c, argument, leaving, string.Buffer, string.Length);
}

static const char *without_prefix(const char *path)
{
  return strncmp(path, "\\??\\", 4) == 0 ? path + 4 : path;
}

/* "Process 16", "File C:\x.txt"; the type alone for an object without a name. */
static void describe_object(void *object, char *out, size_t size)
{
  const struct ob_types *types = ob_types();
  const OBJECT_TYPE *type = ob_header(object)->Type;
  const char *name = NULL;
  if (type == types->Process) {
    snprintf(out, size, "Process %u", (unsigned)((EPROCESS *)object)->UniqueProcessId);
    return;
  }
  if (type == types->Thread) {
    const CLIENT_ID *id = &((ETHREAD *)object)->Cid;
    snprintf(out, size, "Thread %u:%u", (unsigned)id->UniqueProcess, (unsigned)id->UniqueThread);
    return;
  }
  if (type == types->File)
    name = ((FILE_OBJECT *)object)->path;
  else if (type == types->Section)
    name = mm_section_path(object);
  else if (type == types->Key)
    name = cm_key_path(object);
  if (!name)
    name = ob_object_name(object);
  snprintf(out, size, name ? "%s %s" : "%s", type->Name, name ? without_prefix(name) : "");
}

static void capture_handle(struct capture *c, unsigned argument, bool leaving, EPROCESS *process, ULONG64 handle)
{
  char text[KEPT_HANDLE];
  void *object;
  /* Pseudo-handles say themselves what they are. */
  if ((LONG64)handle <= 0 ||
      !NT_SUCCESS(ob_reference_in(process, (HANDLE)handle, 0, NULL, KernelMode, &object, NULL, NULL)))
    return;
  describe_object(object, text, sizeof text);
  ObDereferenceObject(object);
  const ULONG size = (ULONG)strlen(text);
  void *to = add_item(c, argument, CAPTURE_HANDLE, leaving, size);
  if (to)
    memcpy(to, text, size);
}

/* A handle in the table of the process that another handle names. */
static void capture_handle_in(struct capture *c, unsigned argument, bool leaving, ULONG64 process, ULONG64 handle)
{
  void *object;
  if (!NT_SUCCESS(ob_reference_in(PsGetCurrentProcess(), (HANDLE)process, 0, ob_types()->Process, KernelMode, &object,
                                  NULL, NULL)))
    return;
  capture_handle(c, argument, leaving, object, handle);
  ObDereferenceObject(object);
}

static void capture_handles(struct capture *c, unsigned argument, ULONG64 address, ULONG64 count)
{
  HANDLE handles[KEPT_HANDLES];
  const ULONG n = count < KEPT_HANDLES ? (ULONG)count : KEPT_HANDLES;
  if (count > HANDLE_LIMIT || !n || !read_bytes(address, handles, n * sizeof *handles))
    return;
  capture_memory(c, argument, false, address, n * (ULONG)sizeof *handles);
  for (ULONG i = 0; i < n; i++) {
    const ULONG before = c->used;
    capture_handle(c, argument, false, PsGetCurrentProcess(), handles[i]);
    /* An item for each, so that the order tells which is which. */
    if (c->used == before)
      (void)add_item(c, argument, CAPTURE_HANDLE, false, 0);
  }
}

static void capture_attributes(struct capture *c, unsigned argument, ULONG64 address)
{
  OBJECT_ATTRIBUTES64 attributes;
  if (!address || !read_bytes(address, &attributes, sizeof attributes))
    return;
  capture_memory(c, argument, false, address, sizeof attributes);
  capture_string(c, argument, false, attributes.ObjectName);
  if (attributes.RootDirectory)
    capture_handle(c, argument, false, PsGetCurrentProcess(), attributes.RootDirectory);
}

/* Image path and command line. The strings of parameters that are not normalised are offsets. */
static void capture_parameters(struct capture *c, unsigned argument, ULONG64 address)
{
  static const ULONG places[] = {PARAMETERS_IMAGE, PARAMETERS_COMMAND};
  ULONG flags;
  UNICODE_STRING64 string;
  if (!address || !read_bytes(address + PARAMETERS_FLAGS, &flags, sizeof flags))
    return;
  for (unsigned i = 0; i < 2; i++)
    if (read_bytes(address + places[i], &string, sizeof string))
      capture_wide(c, argument, false, string.Buffer + (flags & PARAMETERS_NORMALIZED ? 0 : address), string.Length);
}

/* The argument that goes with another. Of a ULONG the upper half of its slot is anything. */
static ULONG64 with_value(const struct service_description *d, const ULONG64 *v, unsigned i)
{
  const unsigned with = d->arguments[i].with;
  return d->arguments[with].kind == ARGUMENT_NUMBER ? (ULONG)v[with] : v[with];
}

static void capture_in(struct capture *c, unsigned i, const struct service_description *d, const ULONG64 *v)
{
  const struct service_argument *a = &d->arguments[i];
  const ULONG64 value = v[i], with = with_value(d, v, i);
  switch ((enum service_argument_kind)a->kind) {
  case ARGUMENT_HANDLE:
    capture_handle(c, i, false, PsGetCurrentProcess(), value);
    return;
  case ARGUMENT_HANDLE_IN:
    capture_handle_in(c, i, false, with, value);
    return;
  case ARGUMENT_HANDLES:
    capture_handles(c, i, value, with);
    return;
  case ARGUMENT_CLIENT_ID:
    capture_memory(c, i, false, value, sizeof(CLIENT_ID));
    return;
  case ARGUMENT_CONTEXT:
    capture_memory(c, i, false, value + CONTEXT_FROM, CONTEXT_SIZE);
    return;
  case ARGUMENT_RECORD:
    capture_memory(c, i, false, value, RECORD_SIZE);
    return;
  case ARGUMENT_IN_BYTES:
  case ARGUMENT_IN_INFORMATION:
    capture_buffer(c, i, false, value, with, KEPT_BYTES);
    return;
  case ARGUMENT_IN_WIDE:
    /* An atom may be a number instead of a name. */
    if (value >> 16)
      capture_wide(c, i, false, value, with);
    return;
  case ARGUMENT_LARGE:
  case ARGUMENT_TIMEOUT:
  case ARGUMENT_IO_POINTER:
  case ARGUMENT_IO_SIZE:
    capture_memory(c, i, false, value, sizeof(ULONG64));
    return;
  case ARGUMENT_OBJECT_ATTRIBUTES:
    capture_attributes(c, i, value);
    return;
  case ARGUMENT_PARAMETERS:
    capture_parameters(c, i, value);
    return;
  case ARGUMENT_STRING:
    capture_string(c, i, false, value);
    return;
  default:
    return;
  }
}

/* How many bytes a service put into a buffer: what IoStatusBlock or the last argument says, at most the length. */
static ULONG64 moved_bytes(const struct service_description *d, const ULONG64 *v, unsigned buffer)
{
  ULONG64 limit = with_value(d, v, buffer), moved;
  for (unsigned i = 0; d->arguments[i].name; i++) {
    const UCHAR kind = d->arguments[i].kind;
    const ULONG64 at = kind == ARGUMENT_IO_STATUS ? v[i] + 8 : kind == ARGUMENT_OUT_SIZE ? v[i] : 0;
    if (at && read_bytes(at, &moved, sizeof moved) && moved < limit)
      limit = moved;
  }
  return limit;
}

static void capture_out_handle(struct capture *c, unsigned i, ULONG64 address, const ULONG64 *process)
{
  HANDLE handle;
  if (!address || !read_bytes(address, &handle, sizeof handle))
    return;
  capture_memory(c, i, true, address, sizeof handle);
  if (process)
    capture_handle_in(c, i, true, *process, handle);
  else
    capture_handle(c, i, true, PsGetCurrentProcess(), handle);
}

/* Information that begins with a UNICODE_STRING. */
static bool is_string_class(const struct service_description *d, const ULONG64 *v)
{
  enum { ObjectName = 1, MappedFilename = 2, ImageFileName = 27, ImageFileNameWin32 = 43, CommandLine = 60, ThreadName = 38 };
  for (unsigned i = 0; d->arguments[i].name; i++) {
    const ULONG class = (ULONG)v[i];
    switch ((enum service_argument_kind)d->arguments[i].kind) {
    case ARGUMENT_CLASS_OBJECT:
      return class == ObjectName;
    case ARGUMENT_CLASS_MEMORY:
      return class == MappedFilename;
    case ARGUMENT_CLASS_PROCESS:
      return class == ImageFileName || class == ImageFileNameWin32 || class == CommandLine;
    case ARGUMENT_CLASS_THREAD:
      return class == ThreadName;
    default:
      break;
    }
  }
  return false;
}

static void capture_out(struct capture *c, unsigned i, const struct service_description *d, const ULONG64 *v,
                        NTSTATUS status)
{
  const struct service_argument *a = &d->arguments[i];
  const ULONG64 value = v[i];
  switch ((enum service_argument_kind)a->kind) {
  case ARGUMENT_IO_POINTER:
  case ARGUMENT_IO_SIZE:
  case ARGUMENT_OUT_LARGE:
  case ARGUMENT_OUT_POINTER:
  case ARGUMENT_OUT_SIZE:
    capture_memory(c, i, true, value, sizeof(ULONG64));
    return;
  case ARGUMENT_OUT_NUMBER:
  case ARGUMENT_OUT_PAGE:
    capture_memory(c, i, true, value, sizeof(ULONG));
    return;
  case ARGUMENT_OUT_SHORT:
    capture_memory(c, i, true, value, sizeof(USHORT));
    return;
  case ARGUMENT_OUT_BOOLEAN:
    capture_memory(c, i, true, value, sizeof(BOOLEAN));
    return;
  case ARGUMENT_IO_STATUS:
    capture_memory(c, i, true, value, sizeof(IO_STATUS_BLOCK64));
    return;
  case ARGUMENT_OUT_CLIENT_ID:
    capture_memory(c, i, true, value, sizeof(CLIENT_ID));
    return;
  case ARGUMENT_OUT_CONTEXT:
    capture_memory(c, i, true, value + CONTEXT_FROM, CONTEXT_SIZE);
    return;
  case ARGUMENT_OUT_BYTES:
    capture_buffer(c, i, true, value, moved_bytes(d, v, i), KEPT_BYTES);
    return;
  case ARGUMENT_OUT_INFORMATION:
    capture_buffer(c, i, true, value, with_value(d, v, i), KEPT_INFORMATION);
    if (is_string_class(d, v))
      capture_string(c, i, true, value);
    return;
  case ARGUMENT_OUT_STRING:
    capture_string(c, i, true, value);
    return;
  case ARGUMENT_OUT_HANDLE:
    capture_out_handle(c, i, value, NULL);
    return;
  case ARGUMENT_OUT_HANDLE_IN:
    capture_out_handle(c, i, value, &v[a->with]);
    return;
  case ARGUMENT_STATE_CHANGE:
    if (status == STATUS_SUCCESS)
      capture_memory(c, i, true, value, sizeof(DBGUI_WAIT_STATE_CHANGE));
    return;
  default:
    return;
  }
}

void service_capture_entry(struct capture *c, const struct service_description *d, const ULONG64 *arguments)
{
  for (unsigned i = 0; d->arguments[i].name; i++)
    capture_in(c, i, d, arguments);
}

void service_capture_end(struct capture *c, const struct service_description *d, const ULONG64 *arguments,
                         NTSTATUS status)
{
  /* What waits for its end has written nothing yet. */
  if ((ULONG)status >> 30 == 3 || status == STATUS_PENDING)
    return;
  for (unsigned i = 0; d->arguments[i].name; i++)
    capture_out(c, i, d, arguments, status);
}
