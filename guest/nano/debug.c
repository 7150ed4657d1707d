/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What user mode says to the kernel debugger (spec/2.4). */
#include "nano.h"
#include "pe.h"
#include "private.h"

#define DPFLTR_DEFAULT_ID 101u
#define DPFLTR_INFO_LEVEL 3u
/* Longer texts are cut by the kernel. */
#define MAXIMUM_LENGTH 512u

static USHORT length_of(const char *text)
{
  USHORT length = 0;
  while (text[length] && length < MAXIMUM_LENGTH)
    length++;
  return length;
}

__declspec(dllexport) NTSTATUS DbgPrintEx(ULONG component, ULONG level, const char *text)
{
  if (NtQueryDebugFilterState(component, level) != TRUE)
    return STATUS_SUCCESS;
  /* The process's own debugger comes first, if it has one. */
  if (nano_teb()->ProcessEnvironmentBlock->BeingDebugged) {
    nano_output_debug_string(text);
    return STATUS_SUCCESS;
  }
  NTSTATUS status = DebugPrint(text, length_of(text), component, level);
  if (status != STATUS_BREAKPOINT)
    return status;
  DbgBreakPoint();
  return STATUS_SUCCESS;
}

__declspec(dllexport) NTSTATUS DbgPrint(const char *text)
{
  return DbgPrintEx(DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, text);
}

__declspec(dllexport) ULONG DbgPrompt(const char *prompt, char *reply, ULONG maximum)
{
  return DebugPrompt(prompt, length_of(prompt), reply, (USHORT)(maximum < MAXIMUM_LENGTH ? maximum : MAXIMUM_LENGTH));
}

static KD_SYMBOLS_INFO symbols_of(void *base, ULONG64 process_id)
{
  const IMAGE_NT_HEADERS *headers = (IMAGE_NT_HEADERS *)((UCHAR *)base + *(ULONG *)((UCHAR *)base + IMAGE_LFANEW));
  return (KD_SYMBOLS_INFO){(ULONG64)base, process_id, headers->CheckSum, headers->SizeOfImage};
}

__declspec(dllexport) void DbgLoadImageSymbols(STRING64 *file, void *base, ULONG64 process_id)
{
  KD_SYMBOLS_INFO info = symbols_of(base, process_id);
  DebugLoadImageSymbols(file, &info);
}

__declspec(dllexport) void DbgUnLoadImageSymbols(STRING64 *file, void *base, ULONG64 process_id)
{
  KD_SYMBOLS_INFO info = symbols_of(base, process_id);
  DebugUnLoadImageSymbols(file, &info);
}

__declspec(dllexport) void DbgCommandString(STRING64 *name, STRING64 *command) { DebugCommandString(name, command); }
