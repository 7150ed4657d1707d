/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTL_USER_PROCESS_PARAMETERS: one block with the structure, its texts and the environment. */
#include "ntdllp.h"

#define NORMALIZED 1u
#define CURRENT_DIRECTORY_BYTES 520u

static UNICODE_STRING *text_of(PRTL_USER_PROCESS_PARAMETERS p, ULONG i)
{
  UNICODE_STRING *texts[] = {&p->CurrentDirectory.DosPath,
                             &p->DllPath,
                             &p->ImagePathName,
                             &p->CommandLine,
                             &p->WindowTitle,
                             &p->DesktopInfo,
                             &p->ShellInfo,
                             &p->RuntimeData};
  return i < ARRAYSIZE(texts) ? texts[i] : NULL;
}

PRTL_USER_PROCESS_PARAMETERS NTAPI RtlNormalizeProcessParams(PRTL_USER_PROCESS_PARAMETERS ProcessParameters)
{
  PRTL_USER_PROCESS_PARAMETERS p = ProcessParameters;
  if (!p || (p->Flags & NORMALIZED))
    return p;
  for (ULONG i = 0; text_of(p, i); i++)
    if (text_of(p, i)->Buffer)
      text_of(p, i)->Buffer = (PWSTR)((ULONG_PTR)text_of(p, i)->Buffer + (ULONG_PTR)p);
  p->Flags |= NORMALIZED;
  return p;
}

PRTL_USER_PROCESS_PARAMETERS NTAPI RtlDeNormalizeProcessParams(PRTL_USER_PROCESS_PARAMETERS ProcessParameters)
{
  PRTL_USER_PROCESS_PARAMETERS p = ProcessParameters;
  if (!p || !(p->Flags & NORMALIZED))
    return p;
  for (ULONG i = 0; text_of(p, i); i++)
    if (text_of(p, i)->Buffer)
      text_of(p, i)->Buffer = (PWSTR)((ULONG_PTR)text_of(p, i)->Buffer - (ULONG_PTR)p);
  p->Flags &= ~NORMALIZED;
  return p;
}

/* Bytes of an environment with its end. */
static SIZE_T environment_size(PCWSTR block)
{
  SIZE_T length = 0;
  if (!block)
    return 0;
  do {
    while (block[length])
      length++;
    length++;
  } while (block[length]);
  return (length + 1) * 2;
}

static SIZE_T text_room(const UNICODE_STRING *text, ULONG i)
{
  SIZE_T bytes = i ? text->Length + 2u : CURRENT_DIRECTORY_BYTES;
  return (bytes + 7) & ~(SIZE_T)7;
}

NTSTATUS NTAPI RtlCreateProcessParametersEx(PRTL_USER_PROCESS_PARAMETERS *pProcessParameters,
                                            const UNICODE_STRING *ImagePathName, const UNICODE_STRING *DllPath,
                                            const UNICODE_STRING *CurrentDirectory, const UNICODE_STRING *CommandLine,
                                            PWSTR Environment, const UNICODE_STRING *WindowTitle,
                                            const UNICODE_STRING *DesktopInfo, const UNICODE_STRING *ShellInfo,
                                            const UNICODE_STRING *RuntimeData, ULONG Flags)
{
  static const UNICODE_STRING nothing = {0, 0, L""};
  PRTL_USER_PROCESS_PARAMETERS own = NtCurrentPeb()->ProcessParameters, p;
  const UNICODE_STRING *texts[] = {CurrentDirectory ? CurrentDirectory : &own->CurrentDirectory.DosPath,
                                   DllPath ? DllPath : &own->DllPath,
                                   ImagePathName,
                                   CommandLine ? CommandLine : ImagePathName,
                                   WindowTitle ? WindowTitle : &nothing,
                                   DesktopInfo ? DesktopInfo : &nothing,
                                   ShellInfo ? ShellInfo : &nothing,
                                   RuntimeData ? RuntimeData : &nothing};
  SIZE_T length = sizeof *p, environment;
  for (ULONG i = 0; i < ARRAYSIZE(texts); i++)
    length += text_room(texts[i], i);
  if (texts[0]->Length + 4u > CURRENT_DIRECTORY_BYTES)
    return STATUS_NAME_TOO_LONG;
  RtlAcquirePebLock();
  if (!Environment)
    Environment = own->Environment;
  environment = environment_size(Environment);
  p = RtlAllocateHeap(NtCurrentPeb()->ProcessHeap, HEAP_ZERO_MEMORY, length + environment);
  if (p) {
    UCHAR *at = (UCHAR *)(p + 1);
    p->MaximumLength = p->Length = (ULONG)length;
    p->Flags = NORMALIZED;
    p->ConsoleHandle = own->ConsoleHandle;
    p->CurrentDirectory.Handle = NULL;
    for (ULONG i = 0; i < ARRAYSIZE(texts); i++) {
      memcpy(at, texts[i]->Buffer, texts[i]->Length);
      *text_of(p, i) =
          (UNICODE_STRING){texts[i]->Length, (USHORT)(i ? texts[i]->Length + 2u : CURRENT_DIRECTORY_BYTES), (PWSTR)at};
      at += text_room(texts[i], i);
    }
    p->Environment = environment ? (PWSTR)at : NULL;
    p->EnvironmentSize = environment;
    memcpy(at, Environment, environment);
  }
  RtlReleasePebLock();
  if (!p)
    return STATUS_NO_MEMORY;
  *pProcessParameters = Flags & NORMALIZED ? p : RtlDeNormalizeProcessParams(p);
  return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlCreateProcessParameters(PRTL_USER_PROCESS_PARAMETERS *pProcessParameters,
                                          const UNICODE_STRING *ImagePathName, const UNICODE_STRING *DllPath,
                                          const UNICODE_STRING *CurrentDirectory, const UNICODE_STRING *CommandLine,
                                          PWSTR Environment, const UNICODE_STRING *WindowTitle,
                                          const UNICODE_STRING *DesktopInfo, const UNICODE_STRING *ShellInfo,
                                          const UNICODE_STRING *RuntimeData)
{
  return RtlCreateProcessParametersEx(pProcessParameters, ImagePathName, DllPath, CurrentDirectory, CommandLine,
                                      Environment, WindowTitle, DesktopInfo, ShellInfo, RuntimeData, 0);
}

NTSTATUS NTAPI RtlDestroyProcessParameters(PRTL_USER_PROCESS_PARAMETERS ProcessParameters)
{
  RtlFreeHeap(NtCurrentPeb()->ProcessHeap, 0, ProcessParameters);
  return STATUS_SUCCESS;
}
