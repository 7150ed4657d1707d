/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug strings: an exception for the debugger, else a shared buffer for a monitor (spec/5 fact 27). */
#include "kernel32p.h"

#define BUFFER_SIZE 4096u
#define READY_MILLISECONDS 10000u
/* DbgPrint takes no more at a time. */
#define PRINT_PART 511u

/** DBWIN_BUFFER, as monitors know it. */
typedef struct {
  DWORD ProcessId;
  char Text[BUFFER_SIZE - sizeof(DWORD)];
} MONITOR_BUFFER;

/** What a monitor has made, opened. */
typedef struct {
  HANDLE Section, Ready, Data;
  MONITOR_BUFFER *Buffer;
} MONITOR;

static HANDLE monitor_mutex;

static NTSTATUS open_named(NTSTATUS(NTAPI *open)(HANDLE *, ACCESS_MASK, OBJECT_ATTRIBUTES *), HANDLE *handle,
                           ACCESS_MASK access, PCWSTR name)
{
  OBJECT_ATTRIBUTES attributes;
  UNICODE_STRING room;
  if (!base_open_attributes(&attributes, FALSE, name, &room))
    return STATUS_INVALID_PARAMETER;
  return open(handle, access, &attributes);
}

static void close_monitor(MONITOR *m)
{
  if (m->Buffer)
    NtUnmapViewOfSection(NtCurrentProcess(), m->Buffer);
  if (m->Section)
    NtClose(m->Section);
  if (m->Ready)
    NtClose(m->Ready);
  if (m->Data)
    NtClose(m->Data);
}

static BOOLEAN open_monitor(MONITOR *m)
{
  SIZE_T size = 0;
  PVOID base = NULL;
  *m = (MONITOR){NULL};
  NTSTATUS status = open_named(NtOpenSection, &m->Section, SECTION_MAP_WRITE, L"DBWIN_BUFFER");
  if (NT_SUCCESS(status))
    status = NtMapViewOfSection(m->Section, NtCurrentProcess(), &base, 0, 0, NULL, &size, 1 /* ViewShare */, 0,
                                PAGE_READWRITE);
  m->Buffer = base;
  if (NT_SUCCESS(status))
    status = open_named(NtOpenEvent, &m->Ready, SYNCHRONIZE, L"DBWIN_BUFFER_READY");
  if (NT_SUCCESS(status))
    status = open_named(NtOpenEvent, &m->Data, EVENT_MODIFY_STATE, L"DBWIN_DATA_READY");
  if (!NT_SUCCESS(status))
    close_monitor(m);
  return NT_SUCCESS(status);
}

static void send_to_monitor(MONITOR *m, const char *text, SIZE_T length)
{
  while (length && WaitForSingleObject(m->Ready, READY_MILLISECONDS) == WAIT_OBJECT_0) {
    SIZE_T part = length < sizeof m->Buffer->Text - 1 ? length : sizeof m->Buffer->Text - 1;
    m->Buffer->ProcessId = (DWORD)(ULONG_PTR)NtCurrentTeb()->ClientId.UniqueProcess;
    memcpy(m->Buffer->Text, text, part);
    m->Buffer->Text[part] = 0;
    NtSetEvent(m->Data, NULL);
    text += part;
    length -= part;
  }
}

static void print(const char *text, SIZE_T length)
{
  for (SIZE_T part; length; text += part, length -= part) {
    part = length < PRINT_PART ? length : PRINT_PART;
    DbgPrint("%.*s", (int)part, text);
  }
}

static HANDLE mutex_of_monitors(void)
{
  HANDLE mutex = __atomic_load_n(&monitor_mutex, __ATOMIC_ACQUIRE), expected = NULL;
  if (mutex)
    return mutex;
  mutex = CreateMutexW(NULL, FALSE, L"DBWinMutex");
  if (!mutex || __atomic_compare_exchange_n(&monitor_mutex, &expected, mutex, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return mutex;
  NtClose(mutex);
  return expected;
}

static void without_debugger(const char *text, SIZE_T length)
{
  MONITOR m;
  HANDLE mutex = mutex_of_monitors();
  if (mutex)
    WaitForSingleObject(mutex, INFINITE);
  if (open_monitor(&m)) {
    send_to_monitor(&m, text, length);
    close_monitor(&m);
  } else {
    print(text, length);
  }
  if (mutex)
    NtReleaseMutant(mutex, NULL);
}

static SIZE_T narrow_length(const char *text)
{
  SIZE_T length = 0;
  while (text[length])
    length++;
  return length;
}

void WINAPI OutputDebugStringA(LPCSTR text)
{
  DWORD error = NtCurrentTeb()->LastErrorValue;
  const char *string = text ? text : "";
  SIZE_T length = narrow_length(string);
  ULONG_PTR parameters[2] = {length + 1, (ULONG_PTR)string};
  __try {
    RaiseException((DWORD)DBG_PRINTEXCEPTION_C, 0, 2, parameters);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    without_debugger(string, length);
  }
  NtCurrentTeb()->LastErrorValue = error;
}

void WINAPI OutputDebugStringW(LPCWSTR text)
{
  DWORD error = NtCurrentTeb()->LastErrorValue;
  const WCHAR *wide = text ? text : L"";
  PSTR narrow;
  if (base_narrow_copy(wide, &narrow)) {
    DWORD length = base_length(wide) + 1;
    ULONG_PTR parameters[4] = {length, (ULONG_PTR)wide, narrow_length(narrow) + 1, (ULONG_PTR)narrow};
    __try {
      RaiseException((DWORD)DBG_PRINTEXCEPTION_WIDE_C, 0, 4, parameters);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
      OutputDebugStringA(narrow);
    }
    base_free(narrow);
  }
  NtCurrentTeb()->LastErrorValue = error;
}
