/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types that ob itself creates, with Windows' access rights, and the directories that always exist. */
#include "ntos/ke/ke.h"
#include "ntos/ob/ob_bodies.h"
#include "ntos/ob/ob_private.h"

#include <string.h>

#define DEFAULT_MAX_HANDLES 0x10000u
#define TAG POOL_TAG('O', 'b', 'S', 't')

static void delete_symbolic_link(void *Object) { ExFreePool(((OBJECT_SYMBOLIC_LINK *)Object)->target); }

static void delete_mutant(void *Object)
{
  KMUTANT *mutant = Object;
  LONG previous;
  if (mutant->OwnerThread)
    (void)KeReleaseMutant(mutant, TRUE, &previous);
}

void ob_timer_forget_apc(ETIMER *Timer)
{
  ETHREAD *thread = Timer->apc_thread;
  if (!thread)
    return;
  Timer->KeTimer.Apc = NULL;
  if (Timer->TimerApc.Inserted) {
    RemoveEntryList(&Timer->TimerApc.ApcListEntry);
    Timer->TimerApc.Inserted = FALSE;
    if (!thread->Tcb.apc_exit_queued && IsListEmpty(&thread->Tcb.ApcListHead[UserMode]))
      thread->Tcb.ApcPending[UserMode] = FALSE;
  }
  Timer->apc_thread = NULL;
  ObDereferenceObject(thread);
}

static void delete_timer(void *Object)
{
  ETIMER *timer = Object;
  KeCancelTimer(&timer->KeTimer);
  ob_timer_forget_apc(timer);
}

static void delete_io_completion(void *Object)
{
  IO_COMPLETION *completion = Object;
  while (!IsListEmpty(&completion->packets))
    ExFreePool(CONTAINING_RECORD(RemoveHeadList(&completion->packets), struct io_completion_packet, entry));
}

static const OBJECT_TYPE type_type = {
    .Name = "Type",
    .PoolTag = POOL_TAG('O', 'b', 'j', 'T'),
    .GenericMapping = {0x20000, 0x20000, 0x20000, 0xF0001},
    .ValidAccessMask = 0x1F0001,
    .dispatcher_offset = -1,
};
static const OBJECT_TYPE directory_type = {
    .Name = "Directory",
    .PoolTag = POOL_TAG('D', 'i', 'r', 'e'),
    .GenericMapping = {0x20003, 0x2000C, 0x20003, 0xF000F},
    .ValidAccessMask = 0xF000F,
    .dispatcher_offset = -1,
};
static const OBJECT_TYPE symbolic_link_type = {
    .Name = "SymbolicLink",
    .PoolTag = POOL_TAG('S', 'y', 'm', 'b'),
    .GenericMapping = {0x20001, 0x20000, 0x20001, 0xF0001},
    .ValidAccessMask = 0xF0001,
    .dispatcher_offset = -1,
    .DeleteProcedure = delete_symbolic_link,
};
static const OBJECT_TYPE event_type = {
    .Name = "Event",
    .PoolTag = POOL_TAG('E', 'v', 'e', 'n'),
    .GenericMapping = {0x20001, 0x20002, 0x120000, EVENT_ALL_ACCESS},
    .ValidAccessMask = EVENT_ALL_ACCESS,
};
static const OBJECT_TYPE mutant_type = {
    .Name = "Mutant",
    .PoolTag = POOL_TAG('M', 'u', 't', 'a'),
    .GenericMapping = {0x20001, 0x20000, 0x120000, MUTANT_ALL_ACCESS},
    .ValidAccessMask = MUTANT_ALL_ACCESS,
    .DeleteProcedure = delete_mutant,
};
static const OBJECT_TYPE semaphore_type = {
    .Name = "Semaphore",
    .PoolTag = POOL_TAG('S', 'e', 'm', 'a'),
    .GenericMapping = {0x20001, 0x20002, 0x120000, SEMAPHORE_ALL_ACCESS},
    .ValidAccessMask = SEMAPHORE_ALL_ACCESS,
};
static const OBJECT_TYPE timer_type = {
    .Name = "Timer",
    .PoolTag = POOL_TAG('T', 'i', 'm', 'e'),
    .GenericMapping = {0x20001, 0x20002, 0x120000, TIMER_ALL_ACCESS},
    .ValidAccessMask = TIMER_ALL_ACCESS,
    .DeleteProcedure = delete_timer,
};
static const OBJECT_TYPE keyed_event_type = {
    .Name = "KeyedEvent",
    .PoolTag = POOL_TAG('K', 'e', 'y', 'e'),
    .GenericMapping = {0x20001, 0x20002, 0x20000, 0xF0003},
    .ValidAccessMask = 0x1F0003,
    .dispatcher_offset = -1,
};
static const OBJECT_TYPE io_completion_type = {
    .Name = "IoCompletion",
    .PoolTag = POOL_TAG('I', 'o', 'C', 'o'),
    .GenericMapping = {0x20001, 0x20002, 0x120000, 0x1F0003},
    .ValidAccessMask = 0x1F0003,
    .DeleteProcedure = delete_io_completion,
};

static bool create_types(struct ob_types *types)
{
  const struct {
    OBJECT_TYPE **type;
    const OBJECT_TYPE *template;
  } own[] = {
      {&types->Type, &type_type},
      {&types->Directory, &directory_type},
      {&types->SymbolicLink, &symbolic_link_type},
      {&types->Event, &event_type},
      {&types->Mutant, &mutant_type},
      {&types->Semaphore, &semaphore_type},
      {&types->Timer, &timer_type},
      {&types->KeyedEvent, &keyed_event_type},
      {&types->IoCompletion, &io_completion_type},
  };
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
    *own[i].type = ObCreateObjectType(own[i].template);
    if (!*own[i].type)
      return false;
  }
  return true;
}

NTSTATUS ob_create_directory(void **Object)
{
  struct ob_state *ob = ob_state_of_machine();
  NTSTATUS status = ObCreateObject(ob->types.Directory, sizeof(OBJECT_DIRECTORY), Object);
  if (NT_SUCCESS(status))
    ((OBJECT_DIRECTORY *)*Object)->id = ++ob->last_directory_id;
  return status;
}

NTSTATUS ob_create_symbolic_link(const char *target, void **Object)
{
  size_t size = strlen(target) + 1;
  char *copy = ExAllocatePoolWithTag(size, TAG);
  NTSTATUS status = copy ? ObCreateObject(ob_types()->SymbolicLink, sizeof(OBJECT_SYMBOLIC_LINK), Object)
                         : STATUS_INSUFFICIENT_RESOURCES;
  if (!NT_SUCCESS(status)) {
    ExFreePool(copy);
    return status;
  }
  memcpy(copy, target, size);
  OBJECT_SYMBOLIC_LINK *link = *Object;
  link->target = copy;
  link->CreationTime = KE_BOOT_TIME;
  return STATUS_SUCCESS;
}

NTSTATUS ob_create_keyed_event(void **Object)
{
  NTSTATUS status = ObCreateObject(ob_types()->KeyedEvent, sizeof(KEYED_EVENT), Object);
  if (NT_SUCCESS(status))
    for (int i = 0; i < 2; i++)
      InitializeListHead(&((KEYED_EVENT *)*Object)->waiters[i]);
  return status;
}

/* Gives a standing object its name: the name space keeps the only reference. */
static bool name_for_good(void *Object, const char *path)
{
  void *existing;
  (void)ob_lookup_or_insert(path, false, Object, &existing);
  bool named = ob_header(Object)->name != NULL;
  ob_header(Object)->permanent = named;
  if (existing)
    ObDereferenceObject(existing);
  ObDereferenceObject(Object);
  return named;
}

static bool create_standing_names(void)
{
  static const char *const directories[] = {
      "\\ArcName",    "\\BaseNamedObjects", "\\Device",        "\\Driver",
      "\\FileSystem", "\\GLOBAL?\?",        "\\KernelObjects", "\\KnownDlls",
      "\\NLS",        "\\ObjectTypes",      "\\RPC Control",   "\\Security",
      "\\Sessions",   "\\Sessions\\0",      "\\Sessions\\1",   "\\Sessions\\1\\BaseNamedObjects",
      "\\Windows",
  };
  static const char *const links[][2] = {
      {"\\?\?", "\\GLOBAL?\?"},
      {"\\DosDevices", "\\?\?"},
      {"\\BaseNamedObjects\\Global", "\\BaseNamedObjects"},
      {"\\BaseNamedObjects\\Local", "\\BaseNamedObjects"},
      {"\\KnownDlls\\KnownDllPath", "C:\\Windows\\System32"},
      {"\\Sessions\\0\\BaseNamedObjects", "\\BaseNamedObjects"},
      {"\\Sessions\\1\\BaseNamedObjects\\Global", "\\BaseNamedObjects"},
      {"\\Sessions\\1\\BaseNamedObjects\\Local", "\\Sessions\\1\\BaseNamedObjects"},
  };
  void *object;
  for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++)
    if (!NT_SUCCESS(ob_create_directory(&object)) || !name_for_good(object, directories[i]))
      return false;
  for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
    if (!NT_SUCCESS(ob_create_symbolic_link(links[i][1], &object)) || !name_for_good(object, links[i][0]))
      return false;
  return NT_SUCCESS(ob_create_keyed_event(&object)) &&
         name_for_good(object, OB_CRITICAL_SECTION_OUT_OF_MEMORY_EVENT);
}

bool ObInitSystem(ULONG max_handles_per_process)
{
  struct ob_state *ob = ExAllocatePoolWithTag(sizeof *ob, TAG);
  if (!ob)
    return false;
  KeGetPcr()->ob = ob;
  ob->max_handles = max_handles_per_process ? max_handles_per_process : DEFAULT_MAX_HANDLES;
  return create_types(&ob->types) && ob_init_names() && create_standing_names();
}
