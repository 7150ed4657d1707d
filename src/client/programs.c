/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting programs from outside, running them, their ends. */
#include "client/client.h"

#include "base/host.h"
#include "machine/embedded.h"
#include "ntos/io/io.h"

#include <stdio.h>
#include <string.h>

#define TAG_PROGRAM POOL_TAG('P', 'r', 'o', 'g')
#define APP_FOLDER "C:\\app"
#define MAX_COMMAND_LINE 32000u
#define NANOSECONDS_PER_UNIT 100

/* What every program finds in its environment; the machine's own strings follow. */
static const char default_environment[] = "PATH=C:\\windows\\system32;C:\\windows\0"
                                          "SystemRoot=C:\\windows\0"
                                          "SystemDrive=C:\0"
                                          "TEMP=C:\\windows\\temp\0"
                                          "TMP=C:\\windows\\temp\0"
                                          "USERPROFILE=C:\\app\0"
                                          "windir=C:\\windows\0";

/* A text that grows. */
struct text {
  char *bytes;
  size_t used, size;
  bool failed;
};

static void put(struct text *t, char c)
{
  if (t->used + 1 >= t->size) {
    char *grown = t->size < MAX_COMMAND_LINE ? ExReallocatePool(t->bytes, t->size * 2 + 256, TAG_PROGRAM) : NULL;
    if (!grown) {
      t->failed = true;
      return;
    }
    t->bytes = grown;
    t->size = t->size * 2 + 256;
  }
  t->bytes[t->used++] = c;
  t->bytes[t->used] = 0;
}

/* Adds an argument as the Microsoft C runtime takes it apart again: backslashes count only before a quote. */
static void put_argument(struct text *t, const char *argument)
{
  bool quote = !*argument || strpbrk(argument, " \t\"");
  if (t->used)
    put(t, ' ');
  if (quote)
    put(t, '"');
  for (const char *c = argument; *c; c++) {
    size_t backslashes = strspn(c, "\\");
    char next = c[backslashes];
    size_t copies = next == '"' || (!next && quote) ? backslashes * 2 : backslashes;
    for (size_t i = 0; i < copies; i++)
      put(t, '\\');
    if (!next)
      break;
    c += backslashes;
    if (*c == '"')
      put(t, '\\');
    put(t, *c);
  }
  if (quote)
    put(t, '"');
}

static char *build_command_line(const struct dbgksim_program *program, const char *image)
{
  struct text t = {0};
  if (program->command_line) {
    for (const char *c = program->command_line; *c; c++)
      put(&t, *c);
  } else {
    put(&t, '"');
    for (const char *c = image; *c; c++)
      put(&t, *c);
    put(&t, '"');
    for (const char *const *a = program->arguments; a && *a; a++)
      put_argument(&t, *a);
  }
  if (!t.failed && t.bytes)
    return t.bytes;
  ExFreePool(t.bytes);
  return NULL;
}

/* The default strings and the machine's, as one block. */
static char *build_environment(const dbgksim_machine *m)
{
  size_t own = sizeof default_environment - 1, extra = 0;
  for (const char *s = m->environment; s && *s; s += strlen(s) + 1)
    extra = (size_t)(s + strlen(s) + 1 - m->environment);
  char *block = ExAllocatePoolWithTag(own + extra + 1, TAG_PROGRAM);
  if (block) {
    memcpy(block, default_environment, own);
    if (extra)
      memcpy(block + own, m->environment, extra);
  }
  return block;
}

/* Makes the program's folder C:\app; one folder per machine. `embedded`: the folder of the samples. */
static enum dbgksim_status use_folder(dbgksim_machine *m, const char *path, size_t length, bool embedded)
{
  char *folder = ExAllocatePoolWithTag(length + 2, TAG_PROGRAM);
  if (!folder)
    return machine_fail(m, DBGKSIM_NO_MEMORY, "no memory for a path");
  if (length)
    memcpy(folder, path, length);
  else
    folder[0] = '.';
  if (m->app_folder) {
    bool same = !strcmp(m->app_folder, folder);
    ExFreePool(folder);
    return same ? DBGKSIM_OK
                : machine_fail(m, DBGKSIM_BAD_ARGUMENT, "%s: the machine's programs come from %s", path, m->app_folder);
  }
  const struct io_root root = {.host = embedded ? NULL : folder,
                               .embedded = embedded ? machine_sample_files : NULL,
                               .guest = APP_FOLDER,
                               .writable = !embedded && m->app_writable};
  if (!io_add_root(&root)) {
    ExFreePool(folder);
    return machine_fail(m, DBGKSIM_NO_MEMORY, "no memory for a path");
  }
  m->app_folder = folder;
  return DBGKSIM_OK;
}

static enum dbgksim_status remember(dbgksim_machine *m, struct machine_process process)
{
  if (m->process_count == m->process_capacity) {
    size_t capacity = m->process_capacity ? m->process_capacity * 2 : 16;
    struct machine_process *grown =
        ExReallocatePool(m->processes, capacity * sizeof *grown, POOL_TAG('P', 'r', 'o', 'g'));
    if (!grown)
      return machine_fail(m, DBGKSIM_NO_MEMORY, "no memory for a process");
    m->processes = grown;
    m->process_capacity = capacity;
  }
  m->processes[m->process_count++] = process;
  return DBGKSIM_OK;
}

/* Creates the process of an opened image. */
static enum dbgksim_status create(dbgksim_machine *m, const struct dbgksim_program *program, const char *image,
                                  SECTION *section, HANDLE debug_object, uint32_t *pid)
{
  FILE_OBJECT *console[3] = {0};
  EPROCESS *process = NULL;
  ETHREAD *thread = NULL;
  void *object = NULL;
  NTSTATUS nt = STATUS_SUCCESS;
  char *command_line = build_command_line(program, image), *environment = build_environment(m);
  enum dbgksim_status status = command_line && environment
                                   ? DBGKSIM_OK
                                   : machine_fail(m, DBGKSIM_BAD_ARGUMENT, "the command line is too long");
  for (int i = 0; i < 3 && status == DBGKSIM_OK && NT_SUCCESS(nt); i++)
    nt = io_create_console(i, &console[i]);
  if (status == DBGKSIM_OK && NT_SUCCESS(nt) && debug_object)
    nt = ObReferenceObjectByHandle(debug_object, DEBUG_PROCESS_ASSIGN, ob_types()->DebugObject, UserMode, &object, NULL);
  if (status == DBGKSIM_OK && NT_SUCCESS(nt)) {
    struct life_process_request request = {
        .section = section,
        .parent = m->host_process,
        .image_path = image,
        .command_line = command_line,
        .current_directory = program->current_directory ? program->current_directory : APP_FOLDER "\\",
        .environment = environment,
        .standard_files = {console[0], console[1], console[2]},
        .debug_object = object,
        .flags = (program->suspended ? LIFE_CREATE_SUSPENDED : 0) |
                 (debug_object && !program->debug_children ? LIFE_NO_DEBUG_INHERIT : 0),
    };
    nt = PspCreateUserProcess(&request, &process, &thread);
  }
  if (status == DBGKSIM_OK)
    status = machine_nt(m, nt, "creating the process");
  if (status == DBGKSIM_OK) {
    if (pid)
      *pid = (uint32_t)process->UniqueProcessId;
    ObDereferenceObject(thread);
    status = remember(m, (struct machine_process){(uint32_t)process->UniqueProcessId, process, STATUS_PENDING});
  }
  if (object)
    ObDereferenceObject(object);
  for (int i = 0; i < 3; i++)
    if (console[i])
      ObDereferenceObject(console[i]);
  ExFreePool(command_line);
  ExFreePool(environment);
  return status;
}

/* Makes the program visible in C:\app, and tells its name there. */
static enum dbgksim_status find_program(dbgksim_machine *m, const char *path, const char **name)
{
  const struct io_embedded *sample = machine_find_sample(path);
  struct host_stat facts;
  const size_t prefix = sizeof MACHINE_SAMPLE_PREFIX - 1;
  if (sample) {
    *name = sample->name;
    return use_folder(m, path, prefix, true);
  }
  if (strncmp(path, MACHINE_SAMPLE_PREFIX, prefix) == 0)
    return machine_fail(m, DBGKSIM_NOT_FOUND, "%s: no such sample; dbgksim samples lists them", path);
  const char *slash = strrchr(path, '/');
  *name = slash ? slash + 1 : path;
  if (!host_stat_path(path, &facts))
    return machine_fail(m, DBGKSIM_NOT_FOUND, "%s: no such file", path);
  if (facts.kind != HOST_FILE)
    return machine_fail(m, DBGKSIM_BAD_IMAGE, "%s: not a file", path);
  if (strlen(*name) > 200 || strpbrk(*name, "\\:*?\"<>|"))
    return machine_fail(m, DBGKSIM_BAD_ARGUMENT, "%s: a Windows program can not have that file name", path);
  return use_folder(m, path, slash == path ? 1 : slash ? (size_t)(slash - path) : 0, false);
}

/* Opens the image of a program in C:\app; `section` may be NULL. */
static enum dbgksim_status open_program(dbgksim_machine *m, const char *path, const char *name, SECTION **section)
{
  char nt_path[256];
  SECTION *image;
  snprintf(nt_path, sizeof nt_path, "\\??\\" APP_FOLDER "\\%s", name);
  enum dbgksim_status status = machine_open_section(m, nt_path, true, &image);
  if (status != DBGKSIM_OK)
    return status;
  if (mm_section_headers(image)->characteristics & IMAGE_FILE_DLL)
    status = machine_fail(m, DBGKSIM_BAD_IMAGE, "%s is a DLL, not a program", path);
  else if (!mm_section_headers(image)->entry_point)
    status = machine_fail(m, DBGKSIM_BAD_IMAGE, "%s has no entry point", path);
  if (status == DBGKSIM_OK && section)
    *section = image;
  else
    ObDereferenceObject(image);
  return status;
}

static enum dbgksim_status spawn(dbgksim_machine *m, const struct dbgksim_program *program, HANDLE debug_object,
                                 uint32_t *pid)
{
  const char *name = "";
  SECTION *section;
  char image[256];
  enum dbgksim_status status = find_program(m, program->path, &name);
  if (status == DBGKSIM_OK)
    status = open_program(m, program->path, name, &section);
  if (status != DBGKSIM_OK)
    return status;
  snprintf(image, sizeof image, APP_FOLDER "\\%s", name);
  status = machine_choose_userland(m, name, NULL, 0);
  if (status == DBGKSIM_OK)
    status = create(m, program, image, section, debug_object, pid);
  ObDereferenceObject(section);
  return status;
}

enum dbgksim_status dbgksim_choose_userland(dbgksim_machine *m, const char *path, char *why, size_t size)
{
  const char *name = "";
  enum dbgksim_status status = machine_enter(m);
  if (status != DBGKSIM_OK)
    return status;
  if (!why)
    size = 0;
  if (size)
    *why = 0;
  if (!path)
    status = machine_fail(m, DBGKSIM_BAD_ARGUMENT, "dbgksim_choose_userland: no program");
  else
    status = find_program(m, path, &name);
  if (status == DBGKSIM_OK)
    status = open_program(m, path, name, NULL);
  if (status == DBGKSIM_OK)
    status = machine_choose_userland(m, name, why, size);
  if (status == DBGKSIM_OK && size)
    client_add_missing(m, name, why, size);
  machine_leave(m);
  return status;
}

enum dbgksim_status dbgksim_spawn(dbgksim_machine *m, const struct dbgksim_program *program, dbgksim_debugger *debugger,
                                  uint32_t *pid)
{
  enum dbgksim_status status = machine_enter(m);
  if (status != DBGKSIM_OK)
    return status;
  if (!program || !program->path)
    status = machine_fail(m, DBGKSIM_BAD_ARGUMENT, "dbgksim_spawn: no program");
  else if (debugger && debugger->machine != m)
    status = machine_fail(m, DBGKSIM_BAD_ARGUMENT, "dbgksim_spawn: a debugger of another machine");
  else
    status = spawn(m, program, dbgksim_debug_object(debugger), pid);
  machine_leave(m);
  return status;
}

static const struct machine_process *find_noted(const dbgksim_machine *m, uint32_t pid)
{
  for (size_t i = 0; i < m->process_count; i++)
    if (m->processes[i].pid == pid)
      return &m->processes[i];
  return NULL;
}

void client_note_exit(dbgksim_machine *m, uint32_t pid, NTSTATUS exit_status)
{
  if (!find_noted(m, pid))
    (void)remember(m, (struct machine_process){pid, NULL, exit_status});
}

/* A guest process whose object is there, referenced. */
static EPROCESS *find_process(uint32_t pid)
{
  EPROCESS *process;
  if (!NT_SUCCESS(PsLookupProcessByProcessId(pid, &process)))
    return NULL;
  if (!process->native)
    return process;
  ObDereferenceObject(process);
  return NULL;
}

/* A process that has not ended: `pid`, or any guest for 0; referenced. One that never had a thread is nothing to wait
 * for when all are meant: it goes with the process that made it. */
static EPROCESS *unfinished(uint32_t pid)
{
  EPROCESS *p;
  if (pid) {
    p = find_process(pid);
    if (!p || !ps_process_ended(p))
      return p;
    ObDereferenceObject(p);
    return NULL;
  }
  for (p = PsGetNextProcess(NULL); p; p = PsGetNextProcess(p))
    if (!p->native && !p->threadless && !ps_process_ended(p))
      return p;
  return NULL;
}

enum dbgksim_status dbgksim_run(dbgksim_machine *m, uint32_t pid, int64_t timeout_ns)
{
  enum dbgksim_status status = machine_enter(m);
  if (status != DBGKSIM_OK)
    return status;
  EPROCESS *wanted = pid ? find_process(pid) : NULL;
  if (wanted) {
    ObDereferenceObject(wanted);
  } else if (pid && !find_noted(m, pid)) {
    status = machine_fail(m, DBGKSIM_NOT_FOUND, "no process %u", pid);
    machine_leave(m);
    return status;
  }
  ULONG64 end = ke_nanoseconds() + (uint64_t)(timeout_ns < 0 ? 0 : timeout_ns);
  /* A native thread's run is not the host's: only the host hands output over. */
  const bool host = m->pcr.CurrentThread == &m->host_thread->Tcb;
  if (host)
    m->running_programs = true;
  for (EPROCESS *p; status == DBGKSIM_OK && (p = unfinished(pid)) != NULL; ObDereferenceObject(p)) {
    LONG64 left = end > ke_nanoseconds() ? -(LONG64)((end - ke_nanoseconds()) / NANOSECONDS_PER_UNIT) : 0;
    NTSTATUS nt =
        KeWaitForSingleObject(p, UserRequest, UserMode, FALSE, timeout_ns < 0 ? NULL : &left);
    if (nt == STATUS_TIMEOUT)
      status = DBGKSIM_TIMEOUT;
    else if (nt == KE_WAIT_STOPPED && ke_ended() != KE_RUNNING)
      status = machine_stopped(m);
    machine_serve(m);
  }
  if (host)
    m->running_programs = false;
  machine_leave(m);
  return status;
}

enum dbgksim_status dbgksim_exit_code(dbgksim_machine *m, uint32_t pid, NTSTATUS *code)
{
  enum dbgksim_status status = machine_enter(m);
  if (status != DBGKSIM_OK)
    return status;
  EPROCESS *process = find_process(pid);
  const struct machine_process *noted = process ? NULL : find_noted(m, pid);
  NTSTATUS exit_status = STATUS_PENDING;
  if (process) {
    exit_status = process->ExitStatus;
    status = ps_process_ended(process) ? DBGKSIM_OK : DBGKSIM_TIMEOUT;
    ObDereferenceObject(process);
  } else if (noted) {
    exit_status = noted->exit_status;
  } else {
    status = machine_fail(m, DBGKSIM_NOT_FOUND, "no process %u", pid);
  }
  if (status == DBGKSIM_OK && code)
    *code = exit_status;
  machine_leave(m);
  return status;
}

enum dbgksim_status dbgksim_terminate(dbgksim_machine *m, uint32_t pid, NTSTATUS code)
{
  EPROCESS *process;
  enum dbgksim_status status = machine_enter(m);
  if (status != DBGKSIM_OK)
    return status;
  NTSTATUS nt = PsLookupProcessByProcessId(pid, &process);
  if (!NT_SUCCESS(nt)) {
    status = machine_fail(m, DBGKSIM_NOT_FOUND, "no process %u", pid);
  } else {
    nt = process->native ? STATUS_ACCESS_DENIED : PsTerminateProcess(process, code);
    ObDereferenceObject(process);
    status = machine_nt(m, nt, "terminating the process");
  }
  machine_leave(m);
  return status;
}

enum dbgksim_status dbgksim_native_thread(dbgksim_machine *m, void (*fn)(void *argument), void *argument, uint32_t *tid)
{
  ETHREAD *thread;
  if (!fn)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(m);
  if (status != DBGKSIM_OK)
    return status;
  NTSTATUS nt = PsCreateNativeThread(m->host_process, fn, argument, &thread);
  if (NT_SUCCESS(nt)) {
    if (tid)
      *tid = (uint32_t)thread->Cid.UniqueThread;
    ObDereferenceObject(thread);
  }
  status = machine_nt(m, nt, "creating a native thread");
  machine_leave(m);
  return status;
}

enum dbgksim_status dbgksim_set_budget(dbgksim_machine *m, uint64_t blocks)
{
  enum dbgksim_status status = machine_enter(m);
  if (status != DBGKSIM_OK)
    return status;
  ke_set_block_budget(blocks);
  machine_leave(m);
  return DBGKSIM_OK;
}

uint64_t dbgksim_time(dbgksim_machine *m)
{
  if (machine_enter(m) != DBGKSIM_OK)
    return 0;
  uint64_t now = ke_nanoseconds();
  machine_leave(m);
  return now;
}

enum dbgksim_status dbgksim_report_waits(dbgksim_machine *m, char *out, size_t size)
{
  if (!out && size)
    return DBGKSIM_BAD_ARGUMENT;
  enum dbgksim_status status = machine_enter(m);
  if (status != DBGKSIM_OK)
    return status;
  ke_report_waits(out, size);
  machine_leave(m);
  return DBGKSIM_OK;
}
