/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the builtin loader for what test_loader.py looks for in the trace. */
#include "ntdll.h"

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      failures++;                                                             \
      DbgPrintEx(101, 0, "wrong: line %d: %s", __LINE__, #condition);          \
    }                                                                         \
  } while (0)

__declspec(dllimport) int a_value(void);
__declspec(dllimport) int lazy_value(void);
extern IMAGE_DOS_HEADER __ImageBase;
static int failures;

/* What the linker's delay-load thunks call. */
PVOID __delayLoadHelper2(const IMAGE_DELAYLOAD_DESCRIPTOR *descriptor, PVOID *thunk);
PVOID __delayLoadHelper2(const IMAGE_DELAYLOAD_DESCRIPTOR *descriptor, PVOID *thunk)
{
  return LdrResolveDelayLoadedAPI(&__ImageBase, descriptor, NULL, NULL, (IMAGE_THUNK_DATA64 *)thunk, 0);
}

static void note(const char *text) { DbgPrintEx(101, 0, "%s", text); }

static NTSTATUS load(const WCHAR *name, PVOID *base)
{
  UNICODE_STRING text;
  RtlInitUnicodeString(&text, name);
  return LdrLoadDll(NULL, NULL, &text, base);
}

static PVOID procedure(PVOID base, const char *name)
{
  ANSI_STRING text;
  PVOID address = NULL;
  RtlInitAnsiString(&text, name);
  LdrGetProcedureAddress(base, &text, 0, &address);
  return address;
}

static PVOID handle_of(const WCHAR *name)
{
  UNICODE_STRING text;
  PVOID base = NULL;
  RtlInitUnicodeString(&text, name);
  LdrGetDllHandle(NULL, NULL, &text, &base);
  return base;
}

static void reference_counts(void)
{
  PVOID first, second;
  note("reference counts");
  CHECK(load(L"plugin.dll", &first) == STATUS_SUCCESS);
  CHECK(load(L"PLUGIN", &second) == STATUS_SUCCESS && second == first);
  CHECK(handle_of(L"Plugin.DLL") == first && handle_of(L"plugin") == first);
  CHECK(LdrUnloadDll(first) == STATUS_SUCCESS);
  note("once");
  CHECK(LdrUnloadDll(first) == STATUS_SUCCESS);
  CHECK(LdrUnloadDll(first) == STATUS_DLL_NOT_FOUND);
  CHECK(!handle_of(L"plugin.dll"));
  /* What the program imports stays. */
  PVOID a = handle_of(L"a.dll");
  CHECK(a && LdrUnloadDll(a) == STATUS_SUCCESS && handle_of(L"a.dll") == a);
  CHECK(load(L"plugin.dll", &first) == STATUS_SUCCESS && LdrAddRefDll(1, first) == STATUS_SUCCESS);
  LdrUnloadDll(first);
  LdrUnloadDll(first);
  CHECK(handle_of(L"plugin.dll") == first);
}

static void circle(void)
{
  PVOID x;
  note("circle");
  CHECK(load(L"x.dll", &x) == STATUS_SUCCESS);
  CHECK(handle_of(L"y.dll") != NULL);
  LdrUnloadDll(x);
  CHECK(!handle_of(L"x.dll") && !handle_of(L"y.dll"));
}

static void failures_leave_nothing(void)
{
  PVOID base;
  note("failures");
  CHECK(load(L"refuses.dll", &base) == STATUS_DLL_INIT_FAILED && !base);
  CHECK(load(L"lacks.dll", &base) == STATUS_ENTRYPOINT_NOT_FOUND && !base);
  CHECK(load(L"absent.dll", &base) == STATUS_DLL_NOT_FOUND && !base);
  CHECK(!handle_of(L"refuses.dll") && !handle_of(L"lacks.dll"));
}

static void procedures(void)
{
  PVOID b = handle_of(L"b.dll"), c = handle_of(L"c.dll"), address;
  note("procedures");
  CHECK(procedure(b, "forwarded") == procedure(c, "c_value"));
  CHECK(procedure(b, "into_kernel32") == procedure(handle_of(L"ntdll.dll"), "RtlAllocateHeap"));
  CHECK(!procedure(b, "no_such_name"));
  CHECK(LdrGetProcedureAddress(b, NULL, 7, &address) == STATUS_SUCCESS && address == procedure(b, "b_value"));
  CHECK(LdrGetProcedureAddress(b, NULL, 700, &address) == STATUS_ORDINAL_NOT_FOUND);
  CHECK(((int (*)(void))procedure(b, "b_value"))() == 2 + 3);
}

static void api_sets(void)
{
  PVOID base;
  note("api sets");
  CHECK(load(L"api-ms-win-core-processthreads-l1-1-0.dll", &base) == STATUS_SUCCESS && base == handle_of(L"kernelbase"));
  CHECK(load(L"api-ms-win-core-rtlsupport-l1-1-0", &base) == STATUS_SUCCESS && base == handle_of(L"ntdll"));
  CHECK(load(L"api-ms-win-no-such-thing-l1-1-0.dll", &base) == STATUS_DLL_NOT_FOUND);
}

static HANDLE go, done;
static int *(*tls_variable)(void);

static ULONG NTAPI thread(PVOID argument)
{
  (void)argument;
  NtSetEvent(done, NULL);
  NtWaitForSingleObject(go, FALSE, NULL);
  CHECK(*tls_variable() == 77);
  *tls_variable() = 5;
  return 0;
}

/* A DLL with TLS comes while another thread runs: that one gets its copy, too. */
static void thread_storage(void)
{
  PVOID base, second;
  HANDLE other;
  note("thread storage");
  NtCreateEvent(&go, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE);
  NtCreateEvent(&done, EVENT_ALL_ACCESS, NULL, SynchronizationEvent, FALSE);
  CHECK(NT_SUCCESS(RtlCreateUserThread(NtCurrentProcess(), NULL, FALSE, 0, 0, 0, thread, NULL, &other, NULL)));
  NtWaitForSingleObject(done, FALSE, NULL);
  CHECK(load(L"tls.dll", &base) == STATUS_SUCCESS);
  *(PVOID *)&tls_variable = procedure(base, "tls_variable");
  CHECK(*tls_variable() == 77);
  *tls_variable() = 6;
  NtSetEvent(go, NULL);
  NtWaitForSingleObject(other, FALSE, NULL);
  CHECK(*tls_variable() == 6);
  /* The slot is used again. */
  CHECK(load(L"tls2.dll", &second) == STATUS_SUCCESS);
  CHECK(*((int *(*)(void))procedure(second, "tls_variable"))() == 77 && *tls_variable() == 6);
  LdrUnloadDll(base);
  CHECK(load(L"tls.dll", &base) == STATUS_SUCCESS);
  *(PVOID *)&tls_variable = procedure(base, "tls_variable");
  CHECK(*tls_variable() == 77);
}

static void lists(void)
{
  PPEB_LDR_DATA data = NtCurrentPeb()->Ldr;
  static const char *const expected[] = {"program.exe", "ntdll.dll", "KERNEL32.DLL", "KERNELBASE.dll", "a.dll"};
  ULONG index = 0;
  note("lists");
  for (LIST_ENTRY *link = data->InLoadOrderModuleList.Flink; link != &data->InLoadOrderModuleList; link = link->Flink) {
    PLDR_DATA_TABLE_ENTRY entry = CONTAINING_RECORD(link, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks), found;
    for (ULONG i = 0; index < 5 && expected[index][i]; i++)
      CHECK(RtlUpcaseUnicodeChar(entry->BaseDllName.Buffer[i]) == RtlUpcaseUnicodeChar((UCHAR)expected[index][i]));
    CHECK(NT_SUCCESS(LdrFindEntryForAddress((UCHAR *)entry->DllBase + 0x100, &found)) && found == entry);
    CHECK(link->Flink->Blink == link && entry->InMemoryOrderLinks.Flink->Blink == &entry->InMemoryOrderLinks);
    CHECK(entry->DdagNode && entry->SizeOfImage);
    index++;
  }
  CHECK(index >= 7 && data->Initialized && data->Length == sizeof(*data));
  PLDR_DATA_TABLE_ENTRY first = CONTAINING_RECORD(data->InInitializationOrderModuleList.Flink, LDR_DATA_TABLE_ENTRY,
                                                  InInitializationOrderLinks);
  CHECK(first->DllBase == handle_of(L"ntdll.dll"));
}

static void same_bases(void)
{
  PVOID second;
  note("same bases");
  CHECK(load(L"moved.dll", &second) == STATUS_SUCCESS && second != handle_of(L"a.dll"));
  CHECK(((int (*)(void))procedure(second, "moved_value"))() == 9);
}

void __attribute__((noreturn)) start(void)
{
  note("program");
  CHECK(a_value() == 1 + 2 + 3);
  reference_counts();
  circle();
  failures_leave_nothing();
  procedures();
  api_sets();
  note("delayed");
  CHECK(!handle_of(L"lazy.dll"));
  CHECK(lazy_value() == 8 && lazy_value() == 8);
  same_bases();
  thread_storage();
  lists();
  note("end");
  RtlExitUserProcess(failures);
}
