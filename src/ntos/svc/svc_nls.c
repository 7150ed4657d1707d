/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_nls.h"

#include "ntos/io/io.h"
#include "ntos/ke/ke.h"
#include "ntos/svc/svc_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "\\??\\C:\\windows\\system32\\"

enum nls_type { NLS_SORTKEYS = 9, NLS_CASEMAP = 10, NLS_CODEPAGE = 11, NLS_NORMALIZATION = 12 };

static NTSTATUS open_section(const char *name, SECTION **section)
{
  char path[sizeof(FOLDER) + 32];
  FILE_OBJECT *file;
  void *bytes;
  size_t size;
  (void)snprintf(path, sizeof(path), FOLDER "%s", name);
  NTSTATUS status = IoCreateFile(path, FILE_READ_DATA, FILE_OPEN, FILE_NON_DIRECTORY_FILE, &file, NULL);
  if (!NT_SUCCESS(status))
    return status;
  status = io_read_all(file, &bytes, &size);
  if (NT_SUCCESS(status)) {
    struct mm_file_source source = {.file_object = file,
                                    .path = file->path,
                                    .identity = file->identity,
                                    .bytes = bytes,
                                    .malloced = &bytes,
                                    .size = size};
    status = MmCreateSection(section, &source, 0, PAGE_READONLY, SEC_COMMIT);
    free(bytes);
  }
  ObDereferenceObject(file);
  return status;
}

/* The section of a file, opened once per machine; referenced. */
static NTSTATUS find_section(const char *name, SECTION **section)
{
  struct svc_state *state = svc_state_of();
  if (state == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  for (ULONG i = 0; i < state->nls_count; i++) {
    if (strcmp(state->nls[i].name, name) == 0) {
      *section = state->nls[i].section;
      ObReferenceObject(*section);
      return STATUS_SUCCESS;
    }
  }
  NTSTATUS status = open_section(name, section);
  if (!NT_SUCCESS(status) || state->nls_count == SVC_NLS_SECTIONS)
    return status;
  char *copy = ExAllocatePoolWithTag(strlen(name) + 1, POOL_TAG('N', 'l', 's', ' '));
  if (copy != NULL) {
    strcpy(copy, name);
    state->nls[state->nls_count].name = copy;
    state->nls[state->nls_count++].section = *section;
    ObReferenceObject(*section);
  }
  return STATUS_SUCCESS;
}

static NTSTATUS map_file(const char *name, ULONG64 *base, ULONG64 *size)
{
  SECTION *section;
  LONG64 offset = 0;
  EPROCESS *process = PsGetCurrentProcess();
  if (process->native)
    return STATUS_ACCESS_DENIED;
  NTSTATUS status = find_section(name, &section);
  if (!NT_SUCCESS(status))
    return status;
  *base = 0;
  *size = 0;
  status = MmMapViewOfSection(section, process, base, 0, 0, &offset, size, 0, PAGE_READONLY);
  if (NT_SUCCESS(status))
    *size = section->SizeOfSection;
  ObDereferenceObject(section);
  return status;
}

NTSTATUS NtInitializeNlsFiles(ULONG64 BaseAddress, ULONG64 DefaultLocaleId, ULONG64 DefaultCasingTableSize)
{
  ULONG64 base, size;
  const struct svc_state *state = svc_state_of();
  NTSTATUS status = ProbeForWrite(BaseAddress, sizeof(base), 8);
  if (NT_SUCCESS(status))
    status = ProbeForWrite(DefaultLocaleId, sizeof(ULONG), 4);
  if (NT_SUCCESS(status) && DefaultCasingTableSize != 0)
    status = ProbeForWrite(DefaultCasingTableSize, sizeof(size), 4);
  if (NT_SUCCESS(status))
    status = state != NULL ? map_file("locale.nls", &base, &size) : STATUS_INSUFFICIENT_RESOURCES;
  if (!NT_SUCCESS(status))
    return status;
  (void)mm_user_write_u64(BaseAddress, base);
  (void)mm_user_write_u32(DefaultLocaleId, state->locale[0]);
  if (DefaultCasingTableSize != 0)
    (void)mm_user_write(DefaultCasingTableSize, &size, sizeof(size));
  return STATUS_SUCCESS;
}

static const char *normalization_file(ULONG form)
{
  switch (form) {
  case 1:
    return "normnfc.nls";
  case 2:
    return "normnfd.nls";
  case 5:
    return "normnfkc.nls";
  case 6:
    return "normnfkd.nls";
  case 13:
    return "normidna.nls";
  default:
    return NULL;
  }
}

static NTSTATUS file_of(ULONG type, ULONG data, char *name, size_t room)
{
  const char *fixed = NULL;
  switch (type) {
  case NLS_SORTKEYS:
    if (data != 0)
      return STATUS_INVALID_PARAMETER_1;
    fixed = "sortdefault.nls";
    break;
  case NLS_CASEMAP:
    if (data != 0)
      return STATUS_UNSUCCESSFUL;
    fixed = "l_intl.nls";
    break;
  case NLS_CODEPAGE:
    (void)snprintf(name, room, "c_%03u.nls", data);
    return STATUS_SUCCESS;
  case NLS_NORMALIZATION:
    fixed = normalization_file(data);
    if (fixed == NULL)
      return STATUS_OBJECT_NAME_NOT_FOUND;
    break;
  default:
    return STATUS_INVALID_PARAMETER_1;
  }
  (void)snprintf(name, room, "%s", fixed);
  return STATUS_SUCCESS;
}

NTSTATUS NtGetNlsSectionPtr(ULONG SectionType, ULONG SectionData, ULONG64 ContextData, ULONG64 SectionPointer,
                            ULONG64 SectionSize)
{
  char name[24];
  ULONG64 base, size;
  (void)ContextData;
  NTSTATUS status = file_of(SectionType, SectionData, name, sizeof(name));
  if (NT_SUCCESS(status))
    status = ProbeForWrite(SectionPointer, sizeof(base), 8);
  if (NT_SUCCESS(status) && SectionSize != 0)
    status = ProbeForWrite(SectionSize, sizeof(size), 8);
  if (NT_SUCCESS(status))
    status = map_file(name, &base, &size);
  if (!NT_SUCCESS(status))
    return status;
  (void)mm_user_write_u64(SectionPointer, base);
  if (SectionSize != 0)
    (void)mm_user_write_u64(SectionSize, size);
  return STATUS_SUCCESS;
}

NTSTATUS NtQueryDefaultLocale(BOOLEAN UserProfile, ULONG64 DefaultLocaleId)
{
  const struct svc_state *state = svc_state_of();
  NTSTATUS status = ProbeForWrite(DefaultLocaleId, sizeof(ULONG), 4);
  if (!NT_SUCCESS(status))
    return status;
  return state != NULL ? mm_user_write_u32(DefaultLocaleId, state->locale[UserProfile != 0])
                       : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS NtSetDefaultLocale(BOOLEAN UserProfile, ULONG DefaultLocaleId)
{
  struct svc_state *state = svc_state_of();
  if (state == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  state->locale[UserProfile != 0] = DefaultLocaleId;
  return STATUS_SUCCESS;
}

static NTSTATUS write_language(ULONG64 address, unsigned profile)
{
  const struct svc_state *state = svc_state_of();
  if (state == NULL)
    return STATUS_INSUFFICIENT_RESOURCES;
  USHORT language = (USHORT)state->locale[profile];
  NTSTATUS status = ProbeForWrite(address, sizeof(language), 2);
  return NT_SUCCESS(status) ? mm_user_write(address, &language, sizeof(language)) : status;
}

NTSTATUS NtQueryDefaultUILanguage(ULONG64 DefaultUILanguageId) { return write_language(DefaultUILanguageId, 1); }

NTSTATUS NtQueryInstallUILanguage(ULONG64 InstallUILanguageId) { return write_language(InstallUILanguageId, 0); }

NTSTATUS NtSetDefaultUILanguage(USHORT DefaultUILanguageId)
{
  (void)DefaultUILanguageId;
  return STATUS_SUCCESS;
}

SVC_THUNK_3(NtInitializeNlsFiles, ULONG64, ULONG64, ULONG64)
SVC_THUNK_5(NtGetNlsSectionPtr, ULONG, ULONG, ULONG64, ULONG64, ULONG64)
SVC_THUNK_2(NtQueryDefaultLocale, BOOLEAN, ULONG64)
SVC_THUNK_2(NtSetDefaultLocale, BOOLEAN, ULONG)
SVC_THUNK_1(NtQueryDefaultUILanguage, ULONG64)
SVC_THUNK_1(NtQueryInstallUILanguage, ULONG64)
SVC_THUNK_1(NtSetDefaultUILanguage, USHORT)

const struct svc_entry svc_nls_table[] = {
    SVC(NtInitializeNlsFiles, 3),
    SVC(NtGetNlsSectionPtr, 5),
    SVC(NtQueryDefaultLocale, 2),
    SVC(NtSetDefaultLocale, 2),
    SVC(NtQueryDefaultUILanguage, 1),
    SVC(NtQueryInstallUILanguage, 1),
    SVC(NtSetDefaultUILanguage, 1),
    {0},
};
