/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stage.h"

#include <stdio.h>
#include <string.h>

#define INSIDE STAGE_INSIDE

ETHREAD *stage_thread(struct stage *s)
{
  ETHREAD *thread = NULL;
  INSIDE(s, {
    ck_assert_int_eq(PsLookupThreadByThreadId(s->tid, &thread), STATUS_SUCCESS);
    ObDereferenceObject(thread);
  });
  return thread;
}

EPROCESS *stage_process(struct stage *s) { return PsThreadProcess(stage_thread(s)); }

KTRAP_FRAME *stage_frame(struct stage *s) { return stage_thread(s)->Tcb.TrapFrame; }

void stage_allocate(struct stage *s, uint64_t address, uint64_t size, ULONG protect)
{
  EPROCESS *process = stage_process(s);
  ULONG64 base = address, bytes = size;
  INSIDE(s, ck_assert_int_eq(MmAllocateVirtualMemory(process, &base, 0, &bytes, MEM_RESERVE | MEM_COMMIT, protect),
                             STATUS_SUCCESS));
}

void stage_protect(struct stage *s, uint64_t address, uint64_t size, ULONG protect)
{
  EPROCESS *process = stage_process(s);
  ULONG64 base = address, bytes = size;
  ULONG old;
  INSIDE(s, ck_assert_int_eq(MmProtectVirtualMemory(process, &base, &bytes, protect, &old), STATUS_SUCCESS));
}

static ULONG service_number(struct stage *s, const char *name)
{
  ULONG number = 0;
  INSIDE(s, {
    while (number < TRAP_MAX_SERVICES && (!trap_service_name(number) || strcmp(trap_service_name(number), name) != 0))
      number++;
  });
  ck_assert_msg(number < TRAP_MAX_SERVICES, "no service %s", name);
  return number;
}

void stage_set_service(struct stage *s, const char *name, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
  /* syscall; int3 */
  stage_set(s, "\x0F\x05\xCC", 3, 0x33);
  CONTEXT context = stage_context(s);
  context.Rax = service_number(s, name);
  context.R10 = a;
  context.Rdx = b;
  context.R8 = c;
  context.R9 = d;
  stage_set_context(s, &context);
}

NTSTATUS stage_service(struct stage *s, const char *name, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
  stage_set_service(s, name, a, b, c, d);
  stage_expect(stage_next(s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 2, 1);
  return (NTSTATUS)stage_context(s).Rax;
}

/* What the tests' service does. One test, one process. */
static NTSTATUS (*in_service)(const ULONG64 *arguments);
static NTSTATUS call_in_service(const ULONG64 *arguments) { return in_service(arguments); }
static const struct svc_entry table[] = {{"TestService", call_in_service, 0}, {NULL, NULL, 0}};

void stage_set_in_service(struct stage *s, NTSTATUS (*routine)(const ULONG64 *arguments))
{
  INSIDE(s, {
    if (!trap_service_name(STAGE_SERVICE))
      ck_assert(KeAddSystemServiceTable(table) && trap_bind_service(STAGE_SERVICE, table[0].name));
  });
  in_service = routine;
  stage_set_service(s, table[0].name, 0, 0, 0, 0);
}

NTSTATUS stage_in_service(struct stage *s, NTSTATUS (*routine)(const ULONG64 *arguments))
{
  stage_set_in_service(s, routine);
  stage_expect(stage_next(s, DBG_CONTINUE), STATUS_BREAKPOINT, STAGE_CODE + 2, 1);
  return (NTSTATUS)stage_context(s).Rax;
}

void stage_exhaust_memory(bool exhausted) { pool_exhaust(KeGetPcr()->pool, exhausted); }

enum dbgksim_status stage_run_to_the_end(struct stage *s)
{
  ck_assert_int_eq(dbgksim_continue(s->debugger, &s->event, DBG_CONTINUE), DBGKSIM_OK);
  return dbgksim_wait(s->debugger, -1, &s->event);
}

static void drop_record(void *context, const struct dbgksim_trace_record *record) { (void)context, (void)record; }

void stage_stop_trace(struct stage *s)
{
  ck_assert_int_eq(dbgksim_trace_subscribe(s->machine, 0, drop_record, NULL), DBGKSIM_OK);
}

void stage_start(struct stage *s) { stage_start_era(s, NULL); }

void stage_start_era(struct stage *s, const char *era)
{
  struct dbgksim_config config;
  memset(s, 0, sizeof *s);
  dbgksim_config_init(&config);
  config.userland = NANO_DIR;
  config.era = era;
  ck_assert_msg(dbgksim_machine_create(&config, &s->machine) == DBGKSIM_OK, "%s", dbgksim_message(NULL));
  /* Other tests run without a trace. */
  ck_assert_int_eq(dbgksim_trace_subscribe(s->machine, ~0ull, drop_record, NULL), DBGKSIM_OK);
  ck_assert_int_eq(dbgksim_debugger_create(s->machine, true, &s->debugger), DBGKSIM_OK);
  const struct dbgksim_program program = {.path = GUEST_PROGRAM_DIR "/g_spin.exe"};
  ck_assert_msg(dbgksim_spawn(s->machine, &program, s->debugger, &s->pid) == DBGKSIM_OK, "%s",
                dbgksim_message(s->machine));
  for (;;) {
    ck_assert_int_eq(dbgksim_wait(s->debugger, -1, &s->event), DBGKSIM_OK);
    if (s->event.code == DBGKSIM_EXCEPTION)
      break;
    ck_assert_int_eq(dbgksim_continue(s->debugger, &s->event, DBG_CONTINUE), DBGKSIM_OK);
  }
  s->tid = s->event.tid;
  /* The loader breaks inside of a handler's frame: what the stage runs is not to be handled by it. */
  stage_write(s, stage_thread(s)->Tcb.Teb, &(uint64_t){0}, 8);
  stage_allocate(s, STAGE_CODE, STAGE_PAGES, PAGE_EXECUTE_READWRITE);
  stage_allocate(s, STAGE_STACK & ~0xFFFFull, STAGE_PAGES, PAGE_READWRITE);
  stage_allocate(s, STAGE_DATA, STAGE_PAGES, PAGE_READWRITE);
}

void stage_end(struct stage *s)
{
  dbgksim_debugger_destroy(s->debugger);
  dbgksim_machine_destroy(s->machine);
}

CONTEXT stage_context(struct stage *s)
{
  CONTEXT context = {.ContextFlags = CONTEXT_ALL};
  ck_assert_int_eq(dbgksim_get_context(s->machine, s->tid, &context), DBGKSIM_OK);
  return context;
}

void stage_set_context(struct stage *s, const CONTEXT *context)
{
  ck_assert_int_eq(dbgksim_set_context(s->machine, s->tid, context), DBGKSIM_OK);
}

void stage_read(struct stage *s, uint64_t address, void *to, size_t size)
{
  ck_assert_int_eq(dbgksim_read_memory(s->machine, s->pid, address, to, size, NULL), DBGKSIM_OK);
}

void stage_write(struct stage *s, uint64_t address, const void *from, size_t size)
{
  ck_assert_int_eq(dbgksim_write_memory(s->machine, s->pid, address, from, size, NULL), DBGKSIM_OK);
}

void stage_set(struct stage *s, const void *code, size_t size, USHORT cs)
{
  CONTEXT context = stage_context(s);
  if (size)
    stage_write(s, STAGE_CODE, code, size);
  context.Rip = STAGE_CODE;
  context.Rsp = STAGE_STACK;
  context.SegCs = cs;
  context.EFlags = 0x202;
  context.Dr7 = context.Dr6 = 0;
  stage_set_context(s, &context);
}

const EXCEPTION_RECORD64 *stage_next(struct stage *s, NTSTATUS answer)
{
  ck_assert_int_eq(dbgksim_continue(s->debugger, &s->event, answer), DBGKSIM_OK);
  enum dbgksim_status status = dbgksim_wait(s->debugger, -1, &s->event);
  ck_assert_msg(status == DBGKSIM_OK, "%s", dbgksim_message(s->machine));
  ck_assert_msg(s->event.code == DBGKSIM_EXCEPTION, "event %d, code %08x", (int)s->event.code, s->event.exit_code);
  return &s->event.exception;
}

const EXCEPTION_RECORD64 *stage_run(struct stage *s, const void *code, size_t size, USHORT cs)
{
  stage_set(s, code, size, cs);
  return stage_next(s, DBG_CONTINUE);
}

const EXCEPTION_RECORD64 *stage_inject(struct stage *s, const struct cpu_trap *trap, USHORT cs)
{
  ETHREAD *thread = stage_thread(s);
  stage_set(s, "\xCC", 1, cs);
  INSIDE(s, trap_inject(thread, trap));
  return stage_next(s, DBG_CONTINUE);
}

uint64_t stage_catch_deliveries(struct stage *s)
{
  const uint64_t at = STAGE_CODE + 0xF00;
  stage_write(s, at, "\xCC", 1);
  INSIDE(s, {
    struct user_entry_points points = *trap_entry_points();
    points.KiUserExceptionDispatcher = at;
    trap_set_entry_points(&points);
  });
  return at;
}

int main(void)
{
  Suite *suite = suite_create("trap");
  TCase *const cases[] = {vector_tests(),     vector_32_tests(), vector_float_tests(), idt_tests(),  dispatch_tests(),
                          kernel_tests(),     context_tests(),   frame_tests(),        msr_tests(),  service_tests(),
                          bugcheck_tests(),   monitor_tests(),   capture_tests(),      loop_tests(), port_tests(),
                          anti_debug_tests(), fact_tests()};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    tcase_set_timeout(cases[i], 60);
    suite_add_tcase(suite, cases[i]);
  }
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
