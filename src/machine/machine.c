/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds a machine, floor by floor, and takes it down again. */
#include "machine/machine.h"

#include "base/resources.h"
#include "dbgk/dbgk.h"
#include "emu/emu.h"
#include "ntos/io/io.h"
#include "ntos/kd/kd.h"
#include "ntos/lpc/lpc.h"
#include "ntos/svc/svc.h"
#include "ntos/trap/trap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/** Address space that a machine's pool may fill. */
#define POOL_LIMIT ((size_t)4 << 30)
#define DEFAULT_MAX_THREADS 16384u
#define DEFAULT_MAX_HANDLES 65536u

/* Parts that hold more than pool memory; bits of what must be undone. */
enum { PART_EMU, PART_KE, PART_IO, PART_MM };

static __thread char create_message[512] __attribute__((tls_model("initial-exec")));

enum dbgksim_status machine_create_failed(enum dbgksim_status status, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(create_message, sizeof create_message, format, arguments);
  va_end(arguments);
  return status;
}

void dbgksim_config_init(struct dbgksim_config *config)
{
  memset(config, 0, sizeof *config);
  config->size = sizeof *config;
  config->userland = "auto";
  config->kd_print_mask = 1;
}

/* Virtual time-stamp counter: one tick a nanosecond. */
static uint64_t read_tsc(void *context, uint64_t blocks)
{
  (void)context;
  return ke_nanoseconds() + blocks * KE_NANOSECONDS_PER_BLOCK;
}

static enum dbgksim_status build_processor(dbgksim_machine *m)
{
  char text[256] = "";
  struct emu_config config = {.read_tsc = read_tsc, .stop_flag = &m->stop_flag, .pool = m->pool};
  switch (emu_create(&config, &m->pcr.emu, text, sizeof text)) {
  case EMU_OK:
    m->initialized[PART_EMU] = true;
    return DBGKSIM_OK;
  case EMU_NO_MEMORY:
    return machine_create_failed(DBGKSIM_NO_MEMORY, "no memory for the processor: %s", text);
  case EMU_NO_TRANSLATOR_MEMORY:
  case EMU_UNKNOWN_ENGINE:
    break;
  }
  return machine_create_failed(DBGKSIM_NO_ENGINE, "%s", text);
}

/* The caller of the interface as a native process with one thread. */
static bool build_host(dbgksim_machine *m)
{
  if (!NT_SUCCESS(PspAllocateProcess(NULL, true, false, "host", &m->host_process)) ||
      !NT_SUCCESS(PspAllocateThread(m->host_process, &m->host_thread)))
    return false;
  ke_init_host_thread(&m->host_thread->Tcb, &m->host_process->Pcb);
  m->host_thread->CrossThreadFlags |= PS_CROSS_THREAD_FLAGS_THREAD_INSERTED;
  m->pcr.CurrentThread = &m->host_thread->Tcb;
  return true;
}

static bool build_io(dbgksim_machine *m, const struct dbgksim_config *c)
{
  struct io_root *roots = ExAllocatePoolWithTag((c->root_count + 1) * sizeof *roots, POOL_TAG('R', 'o', 'o', 't'));
  if (!roots)
    return false;
  for (unsigned i = 0; i < c->root_count; i++)
    roots[i] = (struct io_root){
        .host = c->roots[i].host, .guest = c->roots[i].guest, .writable = c->roots[i].writable};
  const struct io_config config = {
      .roots = roots,
      .root_count = c->root_count,
      .console_write = machine_console_write,
      .console_read = c->input ? machine_console_read : NULL,
      .console_context = m,
      .file_written = mm_file_written,
      .file_can_be_cut = MmCanFileBeTruncated,
  };
  bool ok = IoInitSystem(&config);
  m->initialized[PART_IO] = m->pcr.io != NULL;
  ok = ok && (!c->note_inputs || io_note_inputs());
  ExFreePool(roots);
  return ok;
}

static enum dbgksim_status build_kernel(dbgksim_machine *m, const struct dbgksim_config *c)
{
  const ULONG max_threads = c->max_threads ? c->max_threads : DEFAULT_MAX_THREADS;
  const struct ke_config ke = {
      .max_threads = max_threads,
      .seed = c->seed,
      .random_schedule = c->random_schedule,
      .block_budget = c->block_budget,
      .quantum_blocks = c->quantum_blocks,
      .stop_flag = &m->stop_flag,
      .stack_prefill = c->memory_prefill,
  };
  const struct mm_config mm = {.commit_limit = c->commit_limit};
  const struct kd_config kd = {
      .enabled = c->kernel_debugger,
      .ignore_user_exceptions = c->kd_ignore_user_exceptions,
      .print_mask = c->kd_print_mask,
      .stop_on_exception = c->kd_stop_on_exception,
  };
  const struct ps_config ps = {.max_processes = c->max_processes, .max_threads = max_threads};
  bool ok = KeInitSystem(&ke);
  m->initialized[PART_KE] = m->pcr.ke != NULL;
  ok = ok && ObInitSystem(c->max_handles ? c->max_handles : DEFAULT_MAX_HANDLES) && LpcInitSystem() &&
       build_io(m, c);
  ok = ok && MmInitSystem(&mm);
  m->initialized[PART_MM] = m->pcr.mm != NULL;
  ok = ok && PsInitSystem(&ps) && build_host(m) && DbgkInitSystem() && KiInitializeTrapSystem() &&
       KdInitSystem(&kd) && LifeInitSystem() && svc_register_all();
  return ok ? DBGKSIM_OK : machine_create_failed(DBGKSIM_NO_MEMORY, "no memory for the kernel");
}

/* Bytes of NAME=VALUE strings with the final terminator. */
static size_t environment_size(const char *environment)
{
  const char *end = environment;
  while (*end)
    end += strlen(end) + 1;
  return (size_t)(end - environment) + 1;
}

static enum dbgksim_status build(dbgksim_machine *m, const struct dbgksim_config *c)
{
  m->pcr.resources = resources_create();
  if (!m->pcr.resources)
    return machine_create_failed(DBGKSIM_NO_MEMORY, "no memory for the machine");
  enum dbgksim_status status = build_processor(m);
  if (status == DBGKSIM_OK)
    status = build_kernel(m, c);
  if (status != DBGKSIM_OK)
    return status;
  m->output_fn = c->output;
  m->input_fn = c->input;
  m->io_context = c->io_context;
  m->app_writable = c->app_writable;
  ExInitializeFastMutex(&m->input.lock);
  KeInitializeEvent(&m->input.done, SynchronizationEvent, FALSE);
  ExInitializeFastMutex(&m->call.lock);
  KeInitializeEvent(&m->call.done, SynchronizationEvent, FALSE);
  if (c->environment) {
    size_t size = environment_size(c->environment);
    m->environment = ExAllocatePoolWithTag(size, POOL_TAG('E', 'n', 'v', ' '));
    if (!m->environment)
      return machine_create_failed(DBGKSIM_NO_MEMORY, "no memory for the environment");
    memcpy(m->environment, c->environment, size);
  }
  status = machine_load_userland(m, c->userland ? c->userland : "auto");
  if (status != DBGKSIM_OK)
    return machine_create_failed(status, "%s", m->message);
  return status;
}

enum dbgksim_status dbgksim_machine_create(const struct dbgksim_config *config, dbgksim_machine **machine)
{
  if (!machine)
    return machine_create_failed(DBGKSIM_BAD_ARGUMENT, "dbgksim_machine_create: no place for the machine");
  *machine = NULL;
  if (!config || config->size != sizeof *config)
    return machine_create_failed(DBGKSIM_BAD_ARGUMENT,
                                 "dbgksim_machine_create: the configuration was not made by dbgksim_config_init");
  for (unsigned i = 0; i < config->root_count; i++)
    if (!config->roots || !config->roots[i].host || !config->roots[i].guest)
      return machine_create_failed(DBGKSIM_BAD_ARGUMENT, "dbgksim_machine_create: root %u has no folder", i);
  if (!era_find(config->era))
    return machine_create_failed(DBGKSIM_BAD_ARGUMENT, "era %s: known are win10, win7 and xp", config->era);
  pool *memory = pool_create(POOL_LIMIT);
  if (!memory)
    return machine_create_failed(DBGKSIM_NO_MEMORY, "no address space for the machine's memory");
  if (config->memory_prefill)
    pool_prefill(memory, config->memory_prefill);
  dbgksim_machine *m = pool_alloc(memory, sizeof *m, POOL_TAG('M', 'a', 'c', 'h'));
  if (!m) {
    pool_destroy(memory);
    return machine_create_failed(DBGKSIM_NO_MEMORY, "no memory for the machine");
  }
  m->pool = memory;
  m->pcr.era = era_find(config->era);
  m->pcr.pool = memory;
  m->pcr.CurrentThread = &m->boot_thread.Tcb;
  m->outer_pcr = ki_current_pcr;
  ki_current_pcr = &m->pcr;
  enum dbgksim_status status = build(m, config);
  ki_current_pcr = m->outer_pcr;
  if (status != DBGKSIM_OK) {
    dbgksim_machine_destroy(m);
    return status;
  }
  *machine = m;
  return DBGKSIM_OK;
}

static void delete_space(EPROCESS *process)
{
  if (process->Vm)
    MmDeleteProcessAddressSpace(process);
}

void dbgksim_machine_destroy(dbgksim_machine *m)
{
  if (!m)
    return;
  KPCR *outer = ki_current_pcr;
  ki_current_pcr = &m->pcr;
  machine_drop_snapshots(m);
  /* Pool memory goes as a whole; what lies outside of it goes first: descriptors, address spaces, engines. */
  for (EPROCESS *p = m->pcr.ps ? PsGetNextProcess(NULL) : NULL; p; p = PsGetNextProcess(p))
    delete_space(p);
  if (m->initialized[PART_MM])
    MmShutdownSystem();
  if (m->initialized[PART_IO])
    IoShutdownSystem();
  if (m->initialized[PART_KE])
    KeShutdownSystem();
  if (m->initialized[PART_EMU])
    emu_destroy(m->pcr.emu);
  resources_destroy(m->pcr.resources);
  ki_current_pcr = outer;
  pool_destroy(m->pool);
}

const char *dbgksim_message(const dbgksim_machine *m)
{
  return m ? m->message : create_message;
}

NTSTATUS dbgksim_last_nt_status(const dbgksim_machine *m)
{
  return m ? m->last_nt_status : STATUS_INVALID_PARAMETER;
}

void dbgksim_interrupt(dbgksim_machine *m)
{
  if (m)
    m->stop_flag = 1;
}

enum dbgksim_status machine_enter(dbgksim_machine *m)
{
  if (!m)
    return DBGKSIM_BAD_ARGUMENT;
  /* A native thread on a fiber is inside already. */
  if (ki_current_pcr == &m->pcr && m->pcr.CurrentThread != &m->host_thread->Tcb)
    return DBGKSIM_OK;
  if (__atomic_test_and_set(&m->inside, __ATOMIC_ACQUIRE))
    return DBGKSIM_BUSY;
  m->outer_pcr = ki_current_pcr;
  ki_current_pcr = &m->pcr;
  m->message[0] = 0;
  fiber_adopt(&m->host_thread->Tcb.Fiber);
  return DBGKSIM_OK;
}

void machine_leave(dbgksim_machine *m)
{
  if (m->pcr.CurrentThread != &m->host_thread->Tcb)
    return;
  machine_flush(m);
  ki_current_pcr = m->outer_pcr;
  __atomic_clear(&m->inside, __ATOMIC_RELEASE);
}

enum dbgksim_status machine_fail(dbgksim_machine *m, enum dbgksim_status status, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(m->message, sizeof m->message, format, arguments);
  va_end(arguments);
  return status;
}

enum dbgksim_status machine_nt(dbgksim_machine *m, NTSTATUS status, const char *what)
{
  if (NT_SUCCESS(status))
    return DBGKSIM_OK;
  m->last_nt_status = status;
  const char *name = dbgksim_nt_status_name(status);
  enum dbgksim_status result = status == STATUS_NO_MEMORY || status == STATUS_INSUFFICIENT_RESOURCES
                                   ? DBGKSIM_NO_MEMORY
                                   : DBGKSIM_NT_ERROR;
  return machine_fail(m, result, "%s: %s (%08X)", what, name ? name : "status", (unsigned)status);
}

enum dbgksim_status machine_stopped(dbgksim_machine *m)
{
  enum ke_end_reason reason = ke_ended();
  ke_resume();
  switch (reason) {
  case KE_DEADLOCK:
    return machine_fail(m, DBGKSIM_DEADLOCK, "deadlock: no thread can run and no timer is due");
  case KE_BUDGET:
    return machine_fail(m, DBGKSIM_BUDGET, "the block budget is used up");
  case KE_INTERRUPTED:
    m->stop_flag = 0;
    return machine_fail(m, DBGKSIM_INTERRUPTED, "interrupted");
  case KE_TRIPLE_FAULT:
    return machine_fail(m, DBGKSIM_TRIPLE_FAULT, "triple fault: the machine has stopped");
  case KE_BUGCHECK: {
    const struct dbgksim_bugcheck *b = KiGetBugCheck();
    return machine_fail(m, DBGKSIM_BUGCHECK, "bug check %08X %s: the machine has stopped", b->code,
                        b->name ? b->name : "");
  }
  case KE_KERNEL_DEBUGGER:
    return machine_fail(m, DBGKSIM_KERNEL_DEBUGGER, "the machine waits for its kernel debugger");
  case KE_NO_SERVICE_ENTRY:
    return machine_fail(m, DBGKSIM_INTERNAL, "LSTAR leads to no code: the machine has stopped");
  default:
    return machine_fail(m, DBGKSIM_INTERNAL, "internal error: the log has the reason");
  }
}
