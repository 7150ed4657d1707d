/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PS_CREATE_INFO: what NtCreateUserProcess is asked for and tells besides the two handles. */
#include "ntos/mm/mm.h"
#include "ntos/svc/svc_create_process.h"
#include "ntos/svc/svc_parameters.h"

#include <string.h>

/* InitState.InitFlags: the low half; ProhibitedImageCharacteristics is the high half. */
#define WRITE_OUTPUT_ON_EXIT 0x1u

/** PS_CREATE_INFO. Its union begins at Initial, which is the caller's; the other members are what is answered. */
typedef struct _PS_CREATE_INFO64 {
  ULONG64 Size;
  ULONG State;
  ULONG Reserved0;
  union {
    struct {
      ULONG InitFlags;
      ACCESS_MASK AdditionalFileAccess;
    } InitState;
    struct {
      HANDLE FileHandle;
    } FailSection;
    struct {
      USHORT DllCharacteristics;
    } ExeFormat;
    struct {
      ULONG OutputFlags;
      ULONG Reserved1;
      HANDLE FileHandle, SectionHandle;
      ULONG64 UserProcessParametersNative;
      ULONG UserProcessParametersWow64, CurrentParameterFlags;
      ULONG64 PebAddressNative;
      ULONG PebAddressWow64, Reserved2;
      ULONG64 ManifestAddress;
      ULONG ManifestSize, Reserved3;
    } SuccessState;
  } u;
} PS_CREATE_INFO64;
C_ASSERT_SIZE(PS_CREATE_INFO64, 0x58);
C_ASSERT_OFFSET(PS_CREATE_INFO64, u.FailSection.FileHandle, 0x10);
C_ASSERT_OFFSET(PS_CREATE_INFO64, u.SuccessState.FileHandle, 0x18);
C_ASSERT_OFFSET(PS_CREATE_INFO64, u.SuccessState.PebAddressNative, 0x38);

NTSTATUS svc_capture_create_info(ULONG64 address, struct svc_create_info *info)
{
  PS_CREATE_INFO64 from;
  memset(info, 0, sizeof *info);
  if (!address)
    return STATUS_SUCCESS;
  NTSTATUS status = ProbeForWrite(address, sizeof from, 8);
  if (NT_SUCCESS(status))
    status = mm_user_read(&from, address, sizeof from);
  /* Wine's kernelbase leaves it uninitialised: one of another size is left alone instead of refused. */
  if (!NT_SUCCESS(status) || from.Size != sizeof from)
    return status;
  info->prohibited = (USHORT)(from.u.InitState.InitFlags >> 16);
  info->additional_access = from.u.InitState.AdditionalFileAccess;
  /* Who did not ask for output does not close handles either. */
  if (from.u.InitState.InitFlags & WRITE_OUTPUT_ON_EXIT)
    info->address = address;
  return STATUS_SUCCESS;
}

NTSTATUS svc_write_create_info(const struct svc_create_info *info, const struct svc_create_result *result)
{
  PS_CREATE_INFO64 to;
  if (!info->address)
    return STATUS_SUCCESS;
  memset(&to, 0, sizeof to);
  to.Size = sizeof to;
  to.State = result->state;
  switch (result->state) {
  case PsCreateFailOnSectionCreate:
    to.u.FailSection.FileHandle = result->file;
    break;
  case PsCreateFailExeFormat:
    to.u.ExeFormat.DllCharacteristics = result->dll_characteristics;
    break;
  case PsCreateSuccess:
    to.u.SuccessState.FileHandle = result->file;
    to.u.SuccessState.SectionHandle = result->section;
    to.u.SuccessState.UserProcessParametersNative = result->parameters;
    to.u.SuccessState.CurrentParameterFlags = SVC_PARAMETERS_NORMALIZED;
    to.u.SuccessState.PebAddressNative = result->peb;
    break;
  default:
    break;
  }
  return mm_user_write(info->address, &to, sizeof to);
}
