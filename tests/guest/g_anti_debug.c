/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program can find out about its debuggers (spec/3.7, spec/5 facts 22, 23, 26, 28-31, 40, 41): a line "name value"
 * for each check. It waits 50 ms first, so that it can be attached to. The test knows what must be seen; here only what
 * is alike in all states is checked. Exit code 0. */
#include "nano.h"

#define NANO_NT_SERVICE(name, ...) __declspec(dllimport) NTSTATUS name(__VA_ARGS__)
NANO_NT_SERVICE(NtQueryObject, HANDLE, ULONG, void *, ULONG, ULONG *);
NANO_NT_SERVICE(NtSetInformationObject, HANDLE, ULONG, const void *, ULONG);
NANO_NT_SERVICE(NtQuerySystemInformation, ULONG, void *, ULONG, ULONG *);
NANO_NT_SERVICE(NtSystemDebugControl, ULONG, void *, ULONG, void *, ULONG, ULONG *);

enum { ProcessDebugPort = 7, ProcessDebugObjectHandle = 0x1E, ProcessDebugFlags = 0x1F };
enum { ObjectTypeInformation = 2, ObjectTypesInformation = 3, ObjectHandleFlagInformation = 4 };
enum { SystemKernelDebuggerInformation = 0x23, SystemKernelDebuggerInformationEx = 0x95 };
#define ThreadHideFromDebugger 0x11
#define KD_DEBUGGER_ENABLED (*(volatile UCHAR *)0x7FFE02D4)
#define UNCAUGHT NT_STATUS_VALUE(0xE0000031)

PROBE(p_int3, "int3");
PROBE(p_int3_long, ".byte 0xCD, 0x03");
PROBE(p_icebp, ".byte 0xF1");
PROBE(p_trap_flag, "pushfq\n\torq $0x100, (%rsp)\n\tpopfq\n\tnop");
PROBE(p_load, "movb (%rcx), %al");
ULONG debug_service(ULONG service);
extern UCHAR debug_service_at[];
__asm__(".text\n.globl debug_service\ndebug_service:\n"
        "\tmov %ecx, %eax\n\txor %ecx, %ecx\n\txor %edx, %edx\n\txor %r8d, %r8d\n\txor %r9d, %r9d\n\tclc\n"
        "debug_service_at:\n\tint $0x2D\n\tstc\n\tnop\n\tsetc %al\n\tmovzbl %al, %eax\n\tret\n");

static void tell(const char *name, ULONG64 value)
{
  char text[60];
  ULONG n = 0;
  for (; name[n] && n < sizeof(text) - 2; n++)
    text[n] = name[n];
  text[n++] = ' ';
  text[n] = 0;
  print_number(text, value);
}

/* ---- queries ---- */

static void process_queries(NANO_PEB *peb)
{
  struct {
    ULONG64 value;
    ULONG length;
  } out = {7, 0};
  ULONG flags = 7, one = 1, two = 2;
  HANDLE self = 0;
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof(attributes)};
  CLIENT_ID id = {nano_teb()->ClientId.UniqueProcess, 0};
  tell("BeingDebugged", peb->BeingDebugged);
  tell("NtGlobalFlag", peb->NtGlobalFlag);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, ProcessDebugPort, &out.value, 8, &out.length),
               STATUS_SUCCESS);
  CHECK(out.length == 8);
  tell("ProcessDebugPort", out.value);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, ProcessDebugPort, &out.value, 4, NULL),
               STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, ProcessDebugPort, (UCHAR *)&out + 1, 8, NULL),
               STATUS_DATATYPE_MISALIGNMENT);
  /* the return length is written last */
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, ProcessDebugPort, &out.value, 8, (ULONG *)&out.value),
               STATUS_SUCCESS);
  tell("ProcessDebugPort_overlapped", out.value);
  /* CheckRemoteDebuggerPresent */
  CHECK_STATUS(NtOpenProcess(&self, PROCESS_QUERY_INFORMATION, &attributes, &id), STATUS_SUCCESS);
  CHECK_STATUS(NtQueryInformationProcess(self, ProcessDebugPort, &out.value, 8, NULL), STATUS_SUCCESS);
  tell("CheckRemoteDebuggerPresent", out.value != 0);
  CHECK_STATUS(NtClose(self), STATUS_SUCCESS);
  CHECK_STATUS(NtOpenProcess(&self, PROCESS_QUERY_LIMITED_INFORMATION, &attributes, &id), STATUS_SUCCESS);
  CHECK_STATUS(NtQueryInformationProcess(self, ProcessDebugPort, &out.value, 8, NULL), STATUS_ACCESS_DENIED);
  CHECK_STATUS(NtClose(self), STATUS_SUCCESS);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, ProcessDebugFlags, &flags, 4, NULL), STATUS_SUCCESS);
  tell("ProcessDebugFlags", flags);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, ProcessDebugFlags, &out.value, 8, NULL),
               STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, ProcessDebugFlags, &two, 4), STATUS_INVALID_PARAMETER);
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, ProcessDebugFlags, &one, 2), STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, ProcessDebugFlags, &one, 4), STATUS_SUCCESS);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, ProcessDebugFlags, &one, 4, NULL), STATUS_SUCCESS);
  CHECK(one == 1);
  CHECK_STATUS(NtSetInformationProcess(NtCurrentProcess, ProcessDebugFlags, &flags, 4), STATUS_SUCCESS);
}

static void debug_object_handle(void)
{
  struct {
    ULONG64 value;
    ULONG length;
  } out = {7, 0};
  /* alignment goes before length, length before the handle */
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, ProcessDebugObjectHandle, (UCHAR *)&out + 1, 7, NULL),
               STATUS_DATATYPE_MISALIGNMENT);
  CHECK_STATUS(NtQueryInformationProcess(0, ProcessDebugObjectHandle, &out.value, 7, NULL),
               STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtQueryInformationProcess(0, ProcessDebugObjectHandle, &out.value, 8, NULL), STATUS_INVALID_HANDLE);
  CHECK_STATUS(NtQueryInformationProcess(NtCurrentProcess, ProcessDebugObjectHandle, NULL, 8, NULL),
               STATUS_ACCESS_VIOLATION);
  NTSTATUS status = NtQueryInformationProcess(NtCurrentProcess, ProcessDebugObjectHandle, &out.value, 8, &out.length);
  tell("ProcessDebugObjectHandle", (ULONG)status);
  CHECK(out.length == 8);
  tell("ProcessDebugObjectHandle_is_a_handle", out.value != 0 && NT_SUCCESS(NtClose(out.value)));
  out.value = 0x7777777777777777;
  NtQueryInformationProcess(NtCurrentProcess, ProcessDebugObjectHandle, &out.value, 8, (ULONG *)&out.value);
  tell("ProcessDebugObjectHandle_overlapped", out.value);
}

/* OBJECT_TYPE_INFORMATION. */
struct type_information {
  UNICODE_STRING64 name;
  ULONG objects, handles;
  UCHAR rest[0x68 - 0x18];
};

static BOOLEAN is_debug_object(const struct type_information *type)
{
  static const WCHAR name[] = u"DebugObject";
  const WCHAR *text = (const WCHAR *)type->name.Buffer;
  if (type->name.Length != sizeof(name) - 2)
    return FALSE;
  for (unsigned i = 0; i < sizeof(name) / 2 - 1; i++)
    if (text[i] != name[i])
      return FALSE;
  return TRUE;
}

static void object_counts(void)
{
  static UCHAR buffer[0x4000] __attribute__((aligned(16)));
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof(attributes)};
  ULONG length = 0, count = 99;
  HANDLE object;
  CHECK_STATUS(NtQueryObject(0, ObjectTypesInformation, buffer, 4, &length), STATUS_INFO_LENGTH_MISMATCH);
  CHECK(length > 4 && length <= sizeof(buffer));
  CHECK_STATUS(NtQueryObject(0, ObjectTypesInformation, buffer, sizeof(buffer), &length), STATUS_SUCCESS);
  UCHAR *at = buffer + 8;
  for (ULONG i = 0; i < *(ULONG *)buffer; i++) {
    struct type_information *type = (struct type_information *)at;
    if (is_debug_object(type))
      count = type->objects;
    at = (UCHAR *)((type->name.Buffer + type->name.MaximumLength + 7) & ~7ull);
  }
  tell("ObjectTypesInformation", count);
  CHECK_STATUS(NtCreateDebugObject(&object, DEBUG_ALL_ACCESS, &attributes, 0), STATUS_SUCCESS);
  struct type_information *type = (struct type_information *)buffer;
  CHECK_STATUS(NtQueryObject(object, ObjectTypeInformation, buffer, sizeof(buffer), &length), STATUS_SUCCESS);
  CHECK(is_debug_object(type));
  tell("ObjectTypeInformation_with_one_more", type->objects);
  /* the length may lie in the answer, and is written last */
  CHECK_STATUS(NtQueryObject(object, ObjectTypeInformation, buffer, sizeof(buffer), &type->objects), STATUS_SUCCESS);
  CHECK(type->objects == length);
  CHECK_STATUS(NtClose(object), STATUS_SUCCESS);
}

static void kernel_debugger(void)
{
  UCHAR information[2] = {7, 7}, extended[3] = {7, 7, 7};
  ULONG length = 0;
  CHECK_STATUS(NtQuerySystemInformation(SystemKernelDebuggerInformation, information, 2, &length), STATUS_SUCCESS);
  CHECK(length == 2);
  tell("KernelDebuggerEnabled", information[0]);
  tell("KernelDebuggerNotPresent", information[1]);
  CHECK_STATUS(NtQuerySystemInformation(SystemKernelDebuggerInformation, information, 1, &length),
               STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtQuerySystemInformation(SystemKernelDebuggerInformationEx, extended, 3, &length), STATUS_SUCCESS);
  CHECK(extended[1] == information[0] && extended[2] == !information[1]);
  tell("KdDebuggerEnabled", KD_DEBUGGER_ENABLED);
  tell("NtSystemDebugControl", (ULONG)NtSystemDebugControl(0, NULL, 0, NULL, 0, NULL));
}

/* ---- handles ---- */

/* Exceptions that the close of a handle raises. */
static unsigned raised_by_close(HANDLE handle, NTSTATUS status)
{
  seen.count = 0;
  resume_at = 0;
  CHECK_STATUS(NtClose(handle), status);
  CHECK(!seen.count || (seen.code == status && !seen.parameters));
  return seen.count;
}

static void handles(NANO_PEB *peb)
{
  OBJECT_ATTRIBUTES64 attributes = {.Length = sizeof(attributes)};
  UCHAR keep[2] = {0, 1}, release[2] = {0, 0};
  const UCHAR byte = peb->BeingDebugged;
  HANDLE event;
  tell("NtClose_invalid", raised_by_close(0xDEAD0, STATUS_INVALID_HANDLE));
  peb->BeingDebugged = !byte;
  tell("NtClose_invalid_other_PEB_byte", raised_by_close(0xDEAD0, STATUS_INVALID_HANDLE));
  peb->BeingDebugged = byte;
  seen.count = 0;
  NtClose(0);
  for (LONG64 pseudo = -6; pseudo < 0; pseudo++)
    NtClose((HANDLE)pseudo);
  CHECK(seen.count == 0);
  CHECK_STATUS(NtCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, 0, FALSE), STATUS_SUCCESS);
  CHECK_STATUS(NtSetInformationObject(event, ObjectHandleFlagInformation, keep, 2), STATUS_SUCCESS);
  tell("NtClose_protected", raised_by_close(event, STATUS_HANDLE_NOT_CLOSABLE));
  CHECK_STATUS(NtSetInformationObject(event, ObjectHandleFlagInformation, release, 2), STATUS_SUCCESS);
  CHECK(raised_by_close(event, STATUS_SUCCESS) == 0);
  /* DUPLICATE_CLOSE_SOURCE closes, too */
  seen.count = 0;
  CHECK_STATUS(NtDuplicateObject(NtCurrentProcess, 0xDEAD0, 0, NULL, 0, 0, 1), STATUS_INVALID_HANDLE);
  tell("NtDuplicateObject_close_invalid", seen.count);
  /* other services do not raise */
  seen.count = 0;
  CHECK_STATUS(NtSetEvent(0xDEAD0, NULL), STATUS_INVALID_HANDLE);
  CHECK(seen.count == 0);
}

/* ---- instructions ---- */

static ULONG64 read_tsc(void)
{
  ULONG low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (ULONG64)high << 32 | low;
}

static void instructions(void)
{
  void *page = allocate(0x1000, PAGE_READWRITE | PAGE_GUARD);
  ULONG64 before = read_tsc();
  RUN_PROBE(p_int3, NULL);
  tell("int3", seen.count);
  tell("int3_takes_long", read_tsc() - before > 1000000);
  RUN_PROBE(p_int3_long, NULL);
  CHECK(!seen.count || seen.address == (ULONG64)p_int3_long_at + 1);
  tell("int3_of_two_bytes", seen.count);
  RUN_PROBE(p_icebp, NULL);
  CHECK(!seen.count || seen.code == STATUS_SINGLE_STEP);
  tell("icebp", seen.count);
  RUN_PROBE(p_trap_flag, NULL);
  CHECK(!seen.count || seen.code == STATUS_SINGLE_STEP);
  tell("trap_flag", seen.count);
  RUN_PROBE(p_load, page);
  CHECK(!seen.count || seen.code == STATUS_GUARD_PAGE_VIOLATION);
  tell("guard_page", seen.count);
  seen.count = 0;
  resume_at = 0;
  tell("int2d_0_runs_the_byte_behind", debug_service(0));
  tell("int2d_0", seen.count);
  seen.count = 0;
  tell("int2d_1_runs_the_byte_behind", debug_service(1));
  CHECK(seen.count == 0);
}

static void debug_registers(void)
{
  static CONTEXT context;
  context.ContextFlags = CONTEXT_DEBUG_REGISTERS;
  CHECK_STATUS(NtGetContextThread(NtCurrentThread, &context), STATUS_SUCCESS);
  tell("Dr2", context.Dr2);
  tell("Dr7", context.Dr7);
}

/* ---- threads and filters ---- */

static ULONG hidden_thread(void *argument)
{
  UCHAR hidden[4] = {7, 7, 7, 7};
  (void)argument;
  CHECK_STATUS(NtQueryInformationThread(NtCurrentThread, ThreadHideFromDebugger, hidden, 1, NULL), STATUS_SUCCESS);
  CHECK(hidden[0] == 0 && hidden[1] == 7);
  CHECK_STATUS(NtQueryInformationThread(NtCurrentThread, ThreadHideFromDebugger, hidden, 4, NULL),
               STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtSetInformationThread(NtCurrentThread, ThreadHideFromDebugger, hidden, 1),
               STATUS_INFO_LENGTH_MISMATCH);
  CHECK_STATUS(NtSetInformationThread(NtCurrentThread, ThreadHideFromDebugger, NULL, 0), STATUS_SUCCESS);
  CHECK_STATUS(NtQueryInformationThread(NtCurrentThread, ThreadHideFromDebugger, hidden, 1, NULL), STATUS_SUCCESS);
  CHECK(hidden[0] == 1);
  RUN_PROBE(p_int3, NULL);
  tell("int3_of_a_hidden_thread", seen.count);
  tell("hidden_thread", nano_teb()->ClientId.UniqueThread);
  return 0x77;
}

static volatile unsigned filtered;

static LONG filter(EXCEPTION_POINTERS *pointers)
{
  CHECK(pointers->ExceptionRecord->ExceptionCode == UNCAUGHT);
  filtered++;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static LONG record_all_but_uncaught(EXCEPTION_POINTERS *pointers)
{
  return pointers->ExceptionRecord->ExceptionCode == UNCAUGHT ? EXCEPTION_CONTINUE_SEARCH : record_exception(pointers);
}

/* SetUnhandledExceptionFilter: the filter is not asked in a debugged process. */
static void unhandled_filter(void)
{
  EXCEPTION_RECORD64 record = {.ExceptionCode = UNCAUGHT};
  nano_set_unhandled_filter(filter);
  RtlRaiseException(&record);
  tell("unhandled_filter", filtered);
}

ULONG start(void *peb)
{
  print("ready");
  NtDelayExecution(FALSE, MILLISECONDS(50));
  RtlAddVectoredExceptionHandler(TRUE, record_all_but_uncaught);
  process_queries(peb);
  debug_object_handle();
  object_counts();
  kernel_debugger();
  handles(peb);
  instructions();
  debug_registers();
  HANDLE thread = create_thread(hidden_thread, NULL);
  CHECK_STATUS(NtWaitForSingleObject(thread, FALSE, INFINITE_WAIT), STATUS_SUCCESS);
  CHECK(thread_exit_status(thread) == 0x77);
  unhandled_filter();
  return 0;
}
