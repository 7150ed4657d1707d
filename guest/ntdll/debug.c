/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What user mode says to its debugger, or else to the kernel's (spec/2.4). */
#include "ntdllp.h"

#define DPFLTR_DEFAULT_ID 101u
#define DPFLTR_INFO_LEVEL 3u
/* Longer texts are cut by the kernel, too. */
#define MAXIMUM_LENGTH 512u
/* SameTebFlags: the thread is in DbgPrint, so that a handler of the exception does not come back. */
#define TEB_IN_DEBUG_PRINT 0x2u

typedef struct {
  USHORT Length, MaximumLength;
  ULONG Reserved;
  ULONG64 Buffer;
} STRING64;
typedef struct {
  ULONG64 BaseOfDll, ProcessId;
  ULONG CheckSum, SizeOfImage;
} KD_SYMBOLS_INFO;

/* entry.S */
NTSTATUS DebugPrint(const char *Text, USHORT Length, ULONG ComponentId, ULONG Level);
ULONG DebugPrompt(const char *Prompt, USHORT PromptLength, char *Reply, USHORT MaximumLength);
void DebugLoadImageSymbols(STRING64 *File, KD_SYMBOLS_INFO *Info);
void DebugUnLoadImageSymbols(STRING64 *File, KD_SYMBOLS_INFO *Info);
void DebugCommandString(STRING64 *Name, STRING64 *Command);

static __attribute__((noinline)) void raise_string(const char *text, USHORT length)
{
  EXCEPTION_RECORD record = {.ExceptionCode = (DWORD)DBG_PRINTEXCEPTION_C,
                             .NumberParameters = 2,
                             .ExceptionInformation = {length + 1u, (ULONG_PTR)text}};
  RtlRaiseException(&record);
}

static void print_to_debugger(const char *text, USHORT length)
{
  __try {
    raise_string(text, length);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
  }
}

/* The text with its prefix; cut to the buffer, it ends a line. */
static USHORT format_text(char buffer[MAXIMUM_LENGTH + 1], const char *prefix, const char *format, va_list arguments)
{
  ULONG length = 0;
  while (prefix[length] && length < MAXIMUM_LENGTH) {
    buffer[length] = prefix[length];
    length++;
  }
  LONG count = RtlpFormat(buffer + length, MAXIMUM_LENGTH - length, format, arguments);
  if (count < 0) {
    buffer[MAXIMUM_LENGTH - 1] = '\n';
    length = MAXIMUM_LENGTH;
  } else {
    length += (ULONG)count;
  }
  buffer[length] = 0;
  return (USHORT)length;
}

ULONG NTAPI vDbgPrintExWithPrefix(const char *Prefix, ULONG ComponentId, ULONG Level, const char *Format,
                                  va_list Arguments)
{
  char buffer[MAXIMUM_LENGTH + 1];
  PTEB teb = NtCurrentTeb();
  NTSTATUS status = STATUS_SUCCESS;
  if (NtQueryDebugFilterState(ComponentId, Level) != TRUE || (teb->SameTebFlags & TEB_IN_DEBUG_PRINT))
    return STATUS_SUCCESS;
  USHORT length = format_text(buffer, Prefix, Format, Arguments);
  teb->SameTebFlags |= TEB_IN_DEBUG_PRINT;
  if (NtCurrentPeb()->BeingDebugged)
    print_to_debugger(buffer, length);
  else
    status = DebugPrint(buffer, length, ComponentId, Level);
  if (status == STATUS_BREAKPOINT) {
    DbgBreakPoint();
    status = STATUS_SUCCESS;
  }
  teb->SameTebFlags &= (USHORT)~TEB_IN_DEBUG_PRINT;
  return (ULONG)status;
}

ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, const char *Format, va_list Arguments)
{
  return vDbgPrintExWithPrefix("", ComponentId, Level, Format, Arguments);
}

ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, const char *Format, ...)
{
  va_list arguments;
  va_start(arguments, Format);
  ULONG status = vDbgPrintExWithPrefix("", ComponentId, Level, Format, arguments);
  va_end(arguments);
  return status;
}

ULONG DbgPrint(const char *Format, ...)
{
  va_list arguments;
  va_start(arguments, Format);
  ULONG status = vDbgPrintExWithPrefix("", DPFLTR_DEFAULT_ID, DPFLTR_INFO_LEVEL, Format, arguments);
  va_end(arguments);
  return status;
}

ULONG NTAPI DbgPrompt(const char *Prompt, char *Response, ULONG Length)
{
  USHORT length = 0;
  while (Prompt[length] && length < MAXIMUM_LENGTH)
    length++;
  return DebugPrompt(Prompt, length, Response, (USHORT)(Length < MAXIMUM_LENGTH ? Length : MAXIMUM_LENGTH));
}

NTSTATUS NTAPI DbgQueryDebugFilterState(ULONG ComponentId, ULONG Level)
{
  return NtQueryDebugFilterState(ComponentId, Level);
}

NTSTATUS NTAPI DbgSetDebugFilterState(ULONG ComponentId, ULONG Level, BOOLEAN State)
{
  return NtSetDebugFilterState(ComponentId, Level, State);
}

/* ---- modules ---- */

static STRING64 wide_pointer(const STRING *string)
{
  return (STRING64){string->Length, string->MaximumLength, 0, (ULONG64)string->Buffer};
}

static KD_SYMBOLS_INFO symbols_of(PVOID base, ULONG_PTR process_id)
{
  const IMAGE_DOS_HEADER *dos = base;
  const IMAGE_NT_HEADERS64 *headers = (const IMAGE_NT_HEADERS64 *)((UCHAR *)base + dos->e_lfanew);
  return (KD_SYMBOLS_INFO){(ULONG64)base, process_id, headers->OptionalHeader.CheckSum,
                           headers->OptionalHeader.SizeOfImage};
}

NTSTATUS NTAPI DbgLoadImageSymbols(STRING *FileName, PVOID ImageBase, ULONG_PTR ProcessId)
{
  STRING64 file = wide_pointer(FileName);
  KD_SYMBOLS_INFO info = symbols_of(ImageBase, ProcessId);
  DebugLoadImageSymbols(&file, &info);
  return STATUS_SUCCESS;
}

void NTAPI DbgUnLoadImageSymbols(STRING *FileName, PVOID ImageBase, ULONG_PTR ProcessId)
{
  STRING64 file = wide_pointer(FileName);
  KD_SYMBOLS_INFO info = symbols_of(ImageBase, ProcessId);
  DebugUnLoadImageSymbols(&file, &info);
}

void NTAPI DbgCommandString(STRING *Name, STRING *Command)
{
  STRING64 name = wide_pointer(Name), command = wide_pointer(Command);
  DebugCommandString(&name, &command);
}
