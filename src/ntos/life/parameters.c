/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTL_USER_PROCESS_PARAMETERS, PEB and TEB (spec/7.1). */
#include "ntos/life/internal.h"

#include "ntos/io/io.h"

#include <string.h>

/** RTL_USER_PROCESS_PARAMETERS, the part that is filled. */
typedef struct _PROCESS_PARAMETERS64 {
  ULONG MaximumLength, Length, Flags, DebugFlags;
  HANDLE ConsoleHandle;
  ULONG64 ConsoleFlags;
  HANDLE StandardInput, StandardOutput, StandardError;
  UNICODE_STRING64 CurrentDirectory;
  HANDLE CurrentDirectoryHandle;
  UNICODE_STRING64 DllPath, ImagePathName, CommandLine;
  ULONG64 Environment;
  UCHAR Window[0x28];
  UNICODE_STRING64 WindowTitle, DesktopInfo, ShellInfo, RuntimeData;
  UCHAR CurrentDirectories[0x2F8];
  ULONG64 Reserved;
  ULONG64 EnvironmentSize;
  ULONG64 EnvironmentVersion;
  UCHAR Rest[0x40];
} PROCESS_PARAMETERS64;
C_ASSERT_OFFSET(PROCESS_PARAMETERS64, StandardInput, 0x20);
C_ASSERT_OFFSET(PROCESS_PARAMETERS64, CurrentDirectory, 0x38);
C_ASSERT_OFFSET(PROCESS_PARAMETERS64, ImagePathName, 0x60);
C_ASSERT_OFFSET(PROCESS_PARAMETERS64, CommandLine, 0x70);
C_ASSERT_OFFSET(PROCESS_PARAMETERS64, Environment, 0x80);
C_ASSERT_OFFSET(PROCESS_PARAMETERS64, WindowTitle, 0xB0);
C_ASSERT_OFFSET(PROCESS_PARAMETERS64, EnvironmentSize, 0x3F0);
#define PARAMETERS_NORMALIZED 1u
#define CURRENT_DIRECTORY_BYTES 520u
#define TAG_PARAMETERS POOL_TAG('P', 'a', 'r', 'm')

/** A block that grows; texts are appended behind the header. */
struct block {
  UCHAR *bytes;
  size_t used, size;
  bool failed;
};

/* Appends UTF-16 of `text`, 8-byte aligned, with room for `room` bytes; its offset. */
static size_t append(struct block *b, const WCHAR *text, size_t bytes, size_t room)
{
  size_t at = (b->used + 7) & ~(size_t)7, end = at + room;
  if (end > b->size) {
    UCHAR *grown = ExReallocatePool(b->bytes, end * 2, TAG_PARAMETERS);
    if (!grown) {
      b->failed = true;
      return 0;
    }
    b->bytes = grown;
    b->size = end * 2;
  }
  memcpy(b->bytes + at, text, bytes);
  b->used = end;
  return at;
}

static UNICODE_STRING64 append_string(struct block *b, const char *text, size_t room)
{
  UNICODE_STRING64 s = {0};
  ULONG bytes;
  WCHAR *wide = io_utf16(text ? text : "", &bytes);
  if (!wide || bytes > 0xFFF0) {
    ExFreePool(wide);
    b->failed = true;
    return s;
  }
  if (room < bytes + 2)
    room = bytes + 2;
  s.Buffer = append(b, wide, bytes, room);
  s.Length = (USHORT)bytes;
  s.MaximumLength = (USHORT)room;
  ExFreePool(wide);
  return s;
}

/* Appends NAME=VALUE strings; size in bytes with both terminators. */
static size_t append_environment(struct block *b, const char *environment, size_t *at)
{
  const char *end = environment;
  while (end && *end)
    end += strlen(end) + 1;
  size_t characters = end ? (size_t)(end - environment) : 0;
  WCHAR *wide = ExAllocatePoolWithTag((characters + 2) * sizeof *wide, TAG_PARAMETERS);
  if (!wide) {
    b->failed = true;
    return 0;
  }
  size_t n = 0;
  for (const char *s = environment; s && *s; s += strlen(s) + 1) {
    ULONG bytes;
    WCHAR *one = io_utf16(s, &bytes);
    if (!one) {
      b->failed = true;
      break;
    }
    memcpy(wide + n, one, bytes);
    n += bytes / 2;
    wide[n++] = 0;
    ExFreePool(one);
  }
  wide[n++] = 0;
  *at = append(b, wide, n * 2, n * 2);
  ExFreePool(wide);
  return n * 2;
}

NTSTATUS life_build_parameters(const struct life_process_request *request, const HANDLE standard_handles[3],
                               void **block, size_t *size)
{
  struct block b = {.size = 0x1000, .used = sizeof(PROCESS_PARAMETERS64)};
  PROCESS_PARAMETERS64 p;
  size_t environment = 0;
  b.bytes = ExAllocatePoolWithTag(b.size, TAG_PARAMETERS);
  if (!b.bytes)
    return STATUS_INSUFFICIENT_RESOURCES;
  memset(&p, 0, sizeof p);
  p.Flags = PARAMETERS_NORMALIZED;
  p.StandardInput = standard_handles[0];
  p.StandardOutput = standard_handles[1];
  p.StandardError = standard_handles[2];
  p.CurrentDirectory = append_string(&b, request->current_directory, CURRENT_DIRECTORY_BYTES);
  p.ImagePathName = append_string(&b, request->image_path, 0);
  p.CommandLine = append_string(&b, request->command_line, 0);
  p.WindowTitle = append_string(&b, request->image_path, 0);
  p.DesktopInfo = append_string(&b, "", 0);
  p.ShellInfo = append_string(&b, "", 0);
  p.EnvironmentSize = append_environment(&b, request->environment, &environment);
  p.Environment = environment;
  p.MaximumLength = p.Length = (ULONG)b.used;
  if (b.failed) {
    ExFreePool(b.bytes);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  memcpy(b.bytes, &p, sizeof p);
  *block = b.bytes;
  *size = b.used;
  return STATUS_SUCCESS;
}

/* Turns offsets from the block's start into addresses. */
static void relocate_parameters(PROCESS_PARAMETERS64 *p, ULONG64 base)
{
  UNICODE_STRING64 *strings[] = {&p->CurrentDirectory, &p->DllPath,     &p->ImagePathName, &p->CommandLine,
                                 &p->WindowTitle,      &p->DesktopInfo, &p->ShellInfo,     &p->RuntimeData};
  for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
    if (strings[i]->Buffer)
      strings[i]->Buffer += base;
  if (p->Environment)
    p->Environment += base;
}

static NTSTATUS allocate(EPROCESS *Process, ULONG64 size, ULONG type, ULONG64 *base)
{
  *base = 0;
  return MmAllocateVirtualMemory(Process, base, 0, &size, MEM_COMMIT | MEM_RESERVE | type, PAGE_READWRITE);
}

static NTSTATUS write_parameters(EPROCESS *Process, const struct life_process_request *request, ULONG64 *base)
{
  HANDLE handles[3] = {0};
  void *block = NULL;
  size_t size;
  NTSTATUS status;
  for (unsigned i = 0; i < 3; i++) {
    if (request->standard_files[i] &&
        !NT_SUCCESS(status = ob_open_in(Process, request->standard_files[i], OBJ_INHERIT,
                                        i ? GENERIC_WRITE | SYNCHRONIZE : GENERIC_READ | SYNCHRONIZE, &handles[i])))
      return status;
  }
  if (request->parameters) {
    size = request->parameters_size;
    block = ExAllocatePoolWithTag(size < sizeof(PROCESS_PARAMETERS64) ? sizeof(PROCESS_PARAMETERS64) : size,
                                  TAG_PARAMETERS);
    status = block ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    if (block)
      memcpy(block, request->parameters, size);
  } else {
    status = life_build_parameters(request, handles, &block, &size);
  }
  if (!NT_SUCCESS(status))
    return status;
  status = allocate(Process, size, 0, base);
  if (NT_SUCCESS(status)) {
    relocate_parameters(block, *base);
    status = mm_process_write(Process, *base, block, size, NULL);
  }
  ExFreePool(block);
  return status;
}

/* Wine's system DLLs call into their Unix side through a pointer in ntdll; here it leads to a stub that enters the
 * kernel (spec/7.2): mov r10,rcx; mov eax,N; syscall; ret. */
static NTSTATUS write_unix_call_stub(EPROCESS *Process)
{
  const struct life_userland *userland = life_userland();
  UCHAR stub[11] = {0x49, 0x89, 0xCA, 0xB8, 0, 0, 0, 0, 0x0F, 0x05, 0xC3};
  ULONG64 base, size = sizeof stub;
  ULONG old;
  if (!userland->unix_call_slot)
    return STATUS_SUCCESS;
  memcpy(stub + 4, &userland->unix_call_service, sizeof(ULONG));
  NTSTATUS status = allocate(Process, sizeof stub, MEM_TOP_DOWN, &base);
  if (NT_SUCCESS(status))
    status = mm_process_write(Process, base, stub, sizeof stub, NULL);
  if (NT_SUCCESS(status))
    status = mm_process_write(Process, life_state()->ntdll_base + userland->unix_call_slot, &base, sizeof base, NULL);
  ULONG64 at = base;
  return NT_SUCCESS(status) ? MmProtectVirtualMemory(Process, &at, &size, PAGE_EXECUTE_READ, &old) : status;
}

struct field {
  USHORT offset;
  UCHAR size;
  ULONG64 value;
};

static NTSTATUS write_fields(EPROCESS *Process, ULONG64 base, const struct field *fields, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    NTSTATUS status = mm_process_write(Process, base + fields[i].offset, &fields[i].value, fields[i].size, NULL);
    if (!NT_SUCCESS(status))
      return status;
  }
  return STATUS_SUCCESS;
}

NTSTATUS life_create_peb(EPROCESS *Process, const struct life_process_request *request)
{
  const struct life_userland *userland = life_userland();
  const struct pe_headers *headers = mm_section_headers(request->section);
  ULONG64 parameters = 0, api_set = 0;
  NTSTATUS status = allocate(Process, PEB_SIZE, MEM_TOP_DOWN, &Process->Peb);
  if (NT_SUCCESS(status) && !(request->flags & LIFE_NO_PARAMETERS))
    status = write_parameters(Process, request, &parameters);
  if (NT_SUCCESS(status) && userland->api_set) {
    ULONG64 size = 0;
    status = MmMapViewOfSection(userland->api_set, Process, &api_set, 0, 0, NULL, &size, 0, PAGE_READONLY);
    api_set += userland->api_set_offset;
  }
  if (NT_SUCCESS(status))
    status = write_unix_call_stub(Process);
  if (!NT_SUCCESS(status))
    return status;
  const struct field fields[] = {
      {0x10, 8, Process->SectionBaseAddress},
      {0x20, 8, parameters},
      {0x68, 8, api_set},
      {0xB8, 4, 1},                                  /* NumberOfProcessors */
      {0xC0, 8, (ULONG64)-25920000000000},           /* CriticalSectionTimeout: 30 days */
      {0xC8, 8, 0x100000},                           /* HeapSegmentReserve */
      {0xD0, 8, 0x2000},                             /* HeapSegmentCommit */
      {0xD8, 8, 0x10000},                            /* HeapDeCommitTotalFreeThreshold */
      {0xE0, 8, 0x1000},                             /* HeapDeCommitFreeBlockThreshold */
      {0x118, 4, NT_MAJOR_VERSION},
      {0x11C, 4, NT_MINOR_VERSION},
      {0x120, 2, NT_BUILD_NUMBER},
      {0x124, 4, 2}, /* OSPlatformId */
      {0x128, 4, headers->subsystem},
      {0x12C, 4, headers->subsystem_major},
      {0x130, 4, headers->subsystem_minor},
      {0x138, 8, 1}, /* ActiveProcessAffinityMask */
      {0x2C0, 4, 1}, /* SessionId */
  };
  return write_fields(Process, Process->Peb, fields, sizeof fields / sizeof fields[0]);
}

NTSTATUS life_create_teb(EPROCESS *Process, ETHREAD *Thread)
{
  ULONG64 teb;
  NTSTATUS status = allocate(Process, TEB_SIZE, MEM_TOP_DOWN, &teb);
  if (!NT_SUCCESS(status))
    return status;
  Thread->Tcb.Teb = teb;
  const ULONG64 list = teb + TEB_ACTIVATION_STACK + 8;
  /* Wine's ntdll ends its walk of ExceptionList at -1, also on x64, where Windows has 0. */
  const ULONG64 end_of_frames = life_userland()->unix_call_slot ? ~(ULONG64)0 : 0;
  const struct field fields[] = {
      {TEB_EXCEPTION_LIST, 8, end_of_frames},
      {TEB_STACK_BASE, 8, Thread->stack_base},
      {TEB_STACK_LIMIT, 8, Thread->stack_limit},
      {TEB_SELF, 8, teb},
      {TEB_CLIENT_ID, 8, Thread->Cid.UniqueProcess},
      {TEB_CLIENT_ID + 8, 8, Thread->Cid.UniqueThread},
      {TEB_REAL_CLIENT_ID, 8, Thread->Cid.UniqueProcess},
      {TEB_REAL_CLIENT_ID + 8, 8, Thread->Cid.UniqueThread},
      {TEB_PEB, 8, Process->Peb},
      {TEB_CURRENT_LOCALE, 4, LOCALE_US_ENGLISH},
      {TEB_ACTIVATION_STACK + 8, 8, list},
      {TEB_ACTIVATION_STACK + 16, 8, list},
      {TEB_ACTIVATION_STACK_POINTER, 8, teb + TEB_ACTIVATION_STACK},
      {TEB_STATIC_UNICODE_STRING + 2, 2, TEB_STATIC_UNICODE_BYTES},
      {TEB_STATIC_UNICODE_STRING + 8, 8, teb + TEB_STATIC_UNICODE_BUFFER},
      {TEB_DEALLOCATION_STACK, 8, Thread->stack_allocation},
  };
  return write_fields(Process, teb, fields, sizeof fields / sizeof fields[0]);
}
