/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_parameters.h"

#include "ntos/ke/ke.h"
#include "ntos/mm/mm.h"

#include <string.h>

#define TAG_PARAMETERS POOL_TAG('P', 'a', 'r', 'm')
/** Header with EnvironmentSize and EnvironmentVersion; the longest block and environment that are taken. */
#define HEADER_SIZE 0x400u
#define MAX_BLOCK 0x100000u
#define MAX_ENVIRONMENT 0x400000ull
#define OFFSET_MAXIMUM_LENGTH 0x00u
#define OFFSET_LENGTH 0x04u
#define OFFSET_FLAGS 0x08u
#define OFFSET_ENVIRONMENT 0x80u
#define OFFSET_ENVIRONMENT_SIZE 0x3F0u

/* CurrentDirectory, DllPath, ImagePathName, CommandLine, WindowTitle, DesktopInfo, ShellInfo, RuntimeData. */
static const USHORT string_offsets[] = {0x38, 0x50, 0x60, 0x70, 0xB0, 0xC0, 0xD0, 0xE0};
/* RTL_DRIVE_LETTER_CURDIR: 32 of 0x18 bytes, a STRING at +8; what they say of the parent's drives is not passed on. */
#define OFFSET_CURRENT_DIRECTORIES 0xF0u
#define CURRENT_DIRECTORIES_SIZE 0x300u

struct capture {
  struct svc_parameters *out;
  ULONG64 address;
  size_t length; /**< of the caller's block */
  bool normalized;
};

/* Room for `bytes` more at the end, 8-byte aligned and zero; its offset, 0 without memory. */
static size_t extend(struct svc_parameters *p, size_t bytes)
{
  size_t at = (p->size + 7) & ~(size_t)7;
  UCHAR *grown = ExReallocatePool(p->block, at + bytes, TAG_PARAMETERS);
  if (!grown)
    return 0;
  memset(grown + p->size, 0, at + bytes - p->size);
  p->block = grown;
  p->size = at + bytes;
  return at;
}

static NTSTATUS capture_string(struct capture *c, size_t offset)
{
  UNICODE_STRING64 s;
  memcpy(&s, c->out->block + offset, sizeof s);
  if (s.MaximumLength < s.Length)
    s.MaximumLength = s.Length;
  s.Reserved = 0;
  if (!s.Buffer || !s.MaximumLength) {
    memset(&s, 0, sizeof s);
    memcpy(c->out->block + offset, &s, sizeof s);
    return STATUS_SUCCESS;
  }
  ULONG64 start = c->normalized ? s.Buffer - c->address : s.Buffer;
  if (start < c->length && s.MaximumLength <= c->length - start) {
    s.Buffer = start;
  } else {
    if (!c->normalized)
      return STATUS_INVALID_PARAMETER;
    size_t at = extend(c->out, (size_t)s.MaximumLength + sizeof(WCHAR));
    if (!at)
      return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS status = s.Length ? mm_user_read(c->out->block + at, s.Buffer, s.Length) : STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
      return status;
    s.Buffer = at;
  }
  memcpy(c->out->block + offset, &s, sizeof s);
  return STATUS_SUCCESS;
}

/* Bytes of an environment that does not tell its size: up to the empty string. */
static NTSTATUS measure_environment(ULONG64 address, ULONG64 *size)
{
  WCHAR previous = 1, character;
  for (*size = 0; *size < MAX_ENVIRONMENT; previous = character) {
    NTSTATUS status = mm_user_read(&character, address + *size, sizeof character);
    if (!NT_SUCCESS(status))
      return status;
    *size += sizeof character;
    if (!character && (!previous || *size == sizeof character))
      return STATUS_SUCCESS;
  }
  return STATUS_INVALID_PARAMETER;
}

static NTSTATUS capture_environment(struct capture *c)
{
  ULONG64 environment, size;
  memcpy(&environment, c->out->block + OFFSET_ENVIRONMENT, sizeof environment);
  memcpy(&size, c->out->block + OFFSET_ENVIRONMENT_SIZE, sizeof size);
  if (!environment)
    return STATUS_SUCCESS;
  if (!c->normalized) {
    if (environment >= c->length)
      return STATUS_INVALID_PARAMETER;
    environment += c->address;
  }
  NTSTATUS status = size ? STATUS_SUCCESS : measure_environment(environment, &size);
  if (NT_SUCCESS(status) && size > MAX_ENVIRONMENT)
    status = STATUS_INVALID_PARAMETER;
  if (!NT_SUCCESS(status))
    return status;
  /* Two characters more: it ends even if the caller's does not. */
  size_t at = extend(c->out, size + 2 * sizeof(WCHAR));
  if (!at)
    return STATUS_INSUFFICIENT_RESOURCES;
  status = mm_user_read(c->out->block + at, environment, size);
  environment = at;
  memcpy(c->out->block + OFFSET_ENVIRONMENT, &environment, sizeof environment);
  memcpy(c->out->block + OFFSET_ENVIRONMENT_SIZE, &size, sizeof size);
  return status;
}

static NTSTATUS capture_block(struct capture *c)
{
  ULONG flags, length;
  NTSTATUS status = mm_user_read_u32(c->address + OFFSET_LENGTH, &length);
  if (!NT_SUCCESS(status))
    return status;
  if (length < HEADER_SIZE || length > MAX_BLOCK)
    return STATUS_INVALID_PARAMETER;
  c->length = c->out->size = length;
  c->out->block = ExAllocatePoolWithTag(length, TAG_PARAMETERS);
  if (!c->out->block)
    return STATUS_INSUFFICIENT_RESOURCES;
  status = mm_user_read(c->out->block, c->address, length);
  memcpy(&flags, c->out->block + OFFSET_FLAGS, sizeof flags);
  c->normalized = (flags & SVC_PARAMETERS_NORMALIZED) != 0;
  memset(c->out->block + OFFSET_CURRENT_DIRECTORIES, 0, CURRENT_DIRECTORIES_SIZE);
  return status;
}

NTSTATUS svc_capture_parameters(ULONG64 address, struct svc_parameters *out)
{
  struct capture c = {.out = out, .address = address};
  memset(out, 0, sizeof *out);
  NTSTATUS status = ProbeForRead(address, HEADER_SIZE, 4);
  if (NT_SUCCESS(status))
    status = capture_block(&c);
  for (size_t i = 0; i < sizeof string_offsets / sizeof string_offsets[0] && NT_SUCCESS(status); i++)
    status = capture_string(&c, string_offsets[i]);
  if (NT_SUCCESS(status))
    status = capture_environment(&c);
  if (!NT_SUCCESS(status)) {
    svc_release_parameters(out);
    return status;
  }
  ULONG flags, size = (ULONG)out->size;
  memcpy(&flags, out->block + OFFSET_FLAGS, sizeof flags);
  flags |= SVC_PARAMETERS_NORMALIZED;
  memcpy(out->block + OFFSET_FLAGS, &flags, sizeof flags);
  memcpy(out->block + OFFSET_MAXIMUM_LENGTH, &size, sizeof size);
  memcpy(out->block + OFFSET_LENGTH, &size, sizeof size);
  return STATUS_SUCCESS;
}

void svc_release_parameters(struct svc_parameters *parameters)
{
  ExFreePool(parameters->block);
  memset(parameters, 0, sizeof *parameters);
}
