/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls every service with arguments that no program would give: kernel addresses, misaligned and half-mapped
 * buffers, huge sizes, wrong handles; wild service numbers; a stack pointer that cannot hold arguments. Arguments on
 * the command line: seed and rounds (1 and 4 without). Run it without a debugger. Exit code 0: the machine survived. */
#include "nano.h"

#define CALLS 4
#define SCRATCH ((UCHAR *)0x20000000)
#define SCRATCH_SIZE 0x4000

typedef NTSTATUS (*SERVICE_ROUTINE)(ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64, ULONG64,
                                    ULONG64, ULONG64, ULONG64);

/* What a call must not do to the caller itself, because that would be a legal end of the test. */
enum guard {
  NO_GUARD,
  BAD_FIRST_HANDLE, /* terminate, suspend: not oneself */
  BAD_POINTERS,     /* continue, raise, set context: no valid CONTEXT */
  BAD_FOURTH_HANDLE /* create thread: not in this process */
};

static struct {
  const char *name;
  void *routine;
  enum guard guard;
} services[160];
static unsigned service_count;
static HANDLE objects[8];
static ULONG64 random_state;

static ULONG64 next_random(void)
{
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * 0x2545F4914F6CDD1D;
}

static BOOLEAN same(const char *a, const char *b)
{
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static enum guard guard_of(const char *name)
{
  static const struct {
    char name[24];
    enum guard guard;
  } guards[] = {{"NtTerminateProcess", BAD_FIRST_HANDLE},
                {"NtSuspendProcess", BAD_FIRST_HANDLE},
                {"NtSetInformationProcess", BAD_FIRST_HANDLE},
                {"NtContinue", BAD_POINTERS},
                {"NtRaiseException", BAD_POINTERS},
                {"NtSetContextThread", BAD_POINTERS},
                {"NtCreateThreadEx", BAD_FOURTH_HANDLE},
                {"NtCreateThread", BAD_FOURTH_HANDLE}};
  for (unsigned i = 0; i < sizeof(guards) / sizeof(guards[0]); i++)
    if (same(name, guards[i].name))
      return guards[i].guard;
  return NO_GUARD;
}

static void list_services(void)
{
  LIST_ENTRY64 *head = &nano_teb()->ProcessEnvironmentBlock->Ldr->InLoadOrderModuleList;
  void *ntdll = (void *)((LDR_DATA_TABLE_ENTRY64 *)head->Flink->Flink)->DllBase;
#define SERVICE(service)                                                                                               \
  services[service_count].name = #service;                                                                             \
  services[service_count].guard = guard_of(#service);                                                                  \
  services[service_count++].routine = nano_find_export(ntdll, #service);
#include <guest/nano/services.h>
#undef SERVICE
}

static ULONG64 bad_pointer(void)
{
  static const ULONG64 addresses[] = {0x1,
                                      0x10,
                                      0xFFFF,
                                      0x7FFFFFFEFFF8,
                                      0x7FFFFFFFFFFF,
                                      0x800000000000,
                                      0x8000000000000000,
                                      0xFFFF800000000000,
                                      0xFFFFF80000000000,
                                      0xFFFFF80000000008,
                                      0xFFFFF80000010001,
                                      0xFFFFF6FB7DBED000,
                                      0xFFFFFFFFFFFFFFF8,
                                      0xFFFFFFFFFFFFFFFF,
                                      0xE000000000,
                                      0xE000001000};
  return addresses[next_random() % (sizeof(addresses) / sizeof(addresses[0]))];
}

static ULONG64 bad_handle(void)
{
  static const ULONG64 handles[] = {0xDEAD0, 3, 0xFFFFFFF8, 0x7FFFFFFFFFFFFFFC, 0xFFFFFFFF80000004, 0x100000000};
  return handles[next_random() % (sizeof(handles) / sizeof(handles[0]))];
}

static ULONG64 wild(void)
{
  switch (next_random() % 12) {
  case 0:
    return 0;
  case 1:
    return next_random() % 64;
  case 2:
    return (ULONG64) - (LONG64)(next_random() % 8);
  case 3:
    return objects[next_random() % 8];
  case 4:
    return bad_handle();
  case 5:
    return bad_pointer();
  case 6:
    return 1ull << (next_random() % 64);
  case 7:
    return (1ull << (next_random() % 64)) - 1;
  case 8:
    return (ULONG64)SCRATCH + 0x1000 - next_random() % 40; /* its next page is closed to writing */
  case 9:
    return (ULONG64)SCRATCH + 0x2000 - next_random() % 40; /* and the one after that to everything */
  case 10:
    return next_random();
  default:
    return (ULONG64)SCRATCH + 8 * (next_random() % 400);
  }
}

static void fill_scratch(void *argument)
{
  (void)argument;
  ULONG64 *words = (ULONG64 *)SCRATCH;
  for (unsigned i = 0; i < 0x200; i++)
    words[i] = wild();
  /* now and then a plausible string and attributes, so that names are looked at */
  words[0] = 0x0000000000200010;
  words[1] = (ULONG64)SCRATCH + 8 * (next_random() % 0x200);
  words[8] = 0x30;
  words[10] = (ULONG64)SCRATCH;
  words[11] = next_random() % 0x800;
}

static void call_service(void *argument)
{
  unsigned index = (unsigned)(ULONG64)argument;
  ULONG64 a[12];
  for (unsigned i = 0; i < 12; i++)
    a[i] = wild();
  if (services[index].guard == BAD_FIRST_HANDLE)
    a[0] = bad_handle();
  if (services[index].guard == BAD_FOURTH_HANDLE)
    a[3] = bad_handle();
  if (services[index].guard == BAD_POINTERS)
    a[0] = a[1] = bad_pointer();
  ((SERVICE_ROUTINE)services[index].routine)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
}

static ULONG worker(void *argument)
{
  for (unsigned i = 0; i < CALLS; i++) {
    nano_try(fill_scratch, NULL);
    nano_try(call_service, argument);
  }
  return 0;
}

static void prepare_scratch(void)
{
  void *base = SCRATCH;
  ULONG64 size = SCRATCH_SIZE;
  ULONG old;
  NtAllocateVirtualMemory(NtCurrentProcess, &base, 0, &size, MEM_RESERVE, PAGE_READWRITE);
  base = SCRATCH;
  size = SCRATCH_SIZE;
  NtAllocateVirtualMemory(NtCurrentProcess, &base, 0, &size, MEM_COMMIT, PAGE_READWRITE);
  set_protection(SCRATCH, 0x1000, PAGE_READWRITE, &old);
  set_protection(SCRATCH + 0x1000, 0x1000, PAGE_READONLY, &old);
  set_protection(SCRATCH + 0x2000, 0x1000, PAGE_NOACCESS, &old);
}

static void prepare_objects(void)
{
  LONG64 size = 0x5000;
  NtCreateEvent(&objects[0], EVENT_ALL_ACCESS, NULL, 0, FALSE);
  NtCreateEvent(&objects[1], EVENT_ALL_ACCESS, NULL, 1, TRUE);
  NtCreateMutant(&objects[2], MUTANT_ALL_ACCESS, NULL, FALSE);
  NtCreateSemaphore(&objects[3], SEMAPHORE_ALL_ACCESS, NULL, 1, 5);
  NtCreateTimer(&objects[4], TIMER_ALL_ACCESS, NULL, 0);
  NtCreateSection(&objects[5], SECTION_ALL_ACCESS, NULL, &size, PAGE_EXECUTE_READWRITE, SEC_COMMIT, 0);
  NtCreateDebugObject(&objects[6], DEBUG_ALL_ACCESS, NULL, 0);
  NtCreateSection(&objects[7], SECTION_MAP_READ, NULL, &size, PAGE_READWRITE, SEC_RESERVE, 0);
}

/* NTSTATUS raw_service(number, first to fourth argument alike, rsp) */
NTSTATUS raw_service(ULONG64 number, ULONG64 argument, ULONG64 rsp);
__asm__(".text\n.globl raw_service\nraw_service:\n"
        "\tpush %rbx\n\tmov %rsp, %rbx\n\tmov %rcx, %rax\n\tmov %rdx, %r10\n\tmov %rdx, %r9\n\tmov %r8, %rsp\n"
        "\tmov %rdx, %r8\n\tsyscall\n\tmov %rbx, %rsp\n\tpop %rbx\n\tret\n");

static void wild_numbers_and_stacks(void)
{
  for (unsigned i = 0; i < service_count; i++) {
    ULONG number;
    memcpy(&number, (UCHAR *)services[i].routine + 4, 4);
    for (unsigned n = 0; n < 4; n++)
      raw_service(number, n & 1 ? 0xDEAD0 : 0xFFFFF80000000008, bad_pointer());
  }
  for (unsigned i = 0; i < 200; i++) {
    ULONG64 number = i < 8 ? 0xFFFFFFFFull >> i : 0x200 + next_random() % 0xFFFFFE00;
    CHECK(!NT_SUCCESS(raw_service(number, 0xDEAD0, i & 1 ? (ULONG64)SCRATCH + 0x800 : bad_pointer())));
  }
}

static ULONG64 argument_number(unsigned index, ULONG64 otherwise)
{
  UNICODE_STRING64 *line = &nano_teb()->ProcessEnvironmentBlock->ProcessParameters->CommandLine;
  const WCHAR *text = (const WCHAR *)line->Buffer;
  for (unsigned i = 0, word = 0; i < line->Length / 2u; i++) {
    if (text[i] != ' ' || ++word <= index)
      continue;
    ULONG64 value = 0;
    for (i++; i < line->Length / 2u && text[i] >= '0' && text[i] <= '9'; i++)
      value = value * 10 + (text[i] - '0');
    return value;
  }
  return otherwise;
}

ULONG start(void *peb)
{
  (void)peb;
  random_state = argument_number(0, 1) * 0x9E3779B97F4A7C15 | 1;
  ULONG64 rounds = argument_number(1, 4);
  list_services();
  prepare_objects();
  prepare_scratch();
  wild_numbers_and_stacks();
  for (ULONG64 round = 0; round < rounds; round++) {
    for (unsigned current = 0; current < service_count; current++) {
      HANDLE thread = 0;
      prepare_scratch();
      if (!NT_SUCCESS(NtCreateThreadEx(&thread, THREAD_ALL_ACCESS, NULL, NtCurrentProcess, worker,
                                       (void *)(ULONG64)current, 0, 0, 0, 0, NULL)))
        continue;
      if (NtWaitForSingleObject(thread, FALSE, MILLISECONDS(200)) != STATUS_SUCCESS)
        NtTerminateThread(thread, 1);
      NtClose(thread);
    }
    prepare_objects();
  }
  print("survived");
  RtlExitUserProcess(0);
}
