/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects: headers, types, reference and handle counts, deletion. */
#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/ob/ob_private.h"

/* A thread that runs delete procedures. What dies meanwhile waits in `pending`, so that a chain of objects, however
 * long, costs no stack. It lies on that thread's stack. */
struct ob_reaper {
  struct ob_reaper *next;
  KTHREAD *thread;
  LIST_ENTRY pending;
};

struct ob_types *ob_types(void) { return &ob_state_of_machine()->types; }

OBJECT_HEADER *ob_header(void *Object) { return (OBJECT_HEADER *)Object - 1; }

void ob_internal_error(const char *what, const void *Object)
{
  (void)Object;
  TRACE(DBGKSIM_TRACE_LOG, what, 0, 0, 0, 0);
  ke_stop(KE_INTERNAL_ERROR);
}

OBJECT_TYPE *ObCreateObjectType(const OBJECT_TYPE *template)
{
  struct ob_state *ob = ob_state_of_machine();
  if (ob->type_count == OB_MAX_TYPES)
    return NULL;
  OBJECT_TYPE *type = ExAllocatePoolWithTag(sizeof *type, POOL_TAG('O', 'b', 'j', 'T'));
  if (!type)
    return NULL;
  *type = *template;
  type->Index = OB_FIRST_TYPE_INDEX + ob->type_count;
  type->TotalNumberOfObjects = type->TotalNumberOfHandles = 0;
  type->HighWaterNumberOfObjects = type->HighWaterNumberOfHandles = 0;
  ob->type_list[ob->type_count++] = type;
  if (ob->types.Type)
    ob->types.Type->TotalNumberOfObjects = ob->types.Type->HighWaterNumberOfObjects = ob->type_count;
  return type;
}

void ob_for_each_type(void (*fn)(void *context, OBJECT_TYPE *), void *context)
{
  struct ob_state *ob = ob_state_of_machine();
  for (ULONG i = 0; i < ob->type_count; i++)
    fn(context, ob->type_list[i]);
}

ACCESS_MASK ob_map_access(const OBJECT_TYPE *Type, ACCESS_MASK DesiredAccess)
{
  ACCESS_MASK access = DesiredAccess;
  if (DesiredAccess & GENERIC_READ)
    access |= Type->GenericMapping.GenericRead;
  if (DesiredAccess & GENERIC_WRITE)
    access |= Type->GenericMapping.GenericWrite;
  if (DesiredAccess & GENERIC_EXECUTE)
    access |= Type->GenericMapping.GenericExecute;
  if (DesiredAccess & GENERIC_ALL)
    access |= Type->GenericMapping.GenericAll;
  if (DesiredAccess & MAXIMUM_ALLOWED)
    access |= Type->ValidAccessMask;
  return access & Type->ValidAccessMask;
}

NTSTATUS ObCreateObject(OBJECT_TYPE *Type, size_t size, void **Object)
{
  *Object = NULL;
  if (size > SIZE_MAX - sizeof(OBJECT_HEADER))
    return STATUS_INSUFFICIENT_RESOURCES;
  OBJECT_HEADER *header = ExAllocatePoolWithTag(sizeof *header + size, Type->PoolTag);
  if (!header)
    return STATUS_INSUFFICIENT_RESOURCES;
  header->Type = Type;
  header->PointerCount = 1;
  if (++Type->TotalNumberOfObjects > Type->HighWaterNumberOfObjects)
    Type->HighWaterNumberOfObjects = Type->TotalNumberOfObjects;
  *Object = header + 1;
  return STATUS_SUCCESS;
}

void ObReferenceObject(void *Object)
{
  OBJECT_HEADER *header = ob_header(Object);
  ke_check_live(header);
  if (header->PointerCount <= 0) {
    ob_internal_error("ObReferenceObject: the object is being deleted", Object);
    return;
  }
  header->PointerCount++;
}

BOOLEAN ObReferenceObjectSafe(void *Object)
{
  OBJECT_HEADER *header = ob_header(Object);
  if (header->PointerCount <= 0)
    return FALSE;
  header->PointerCount++;
  return TRUE;
}

static void delete_object(OBJECT_HEADER *header)
{
  OBJECT_TYPE *type = header->Type;
  ob_remove_name(header);
  if (type->DeleteProcedure)
    type->DeleteProcedure(header + 1);
  ob_free_name(header);
  type->TotalNumberOfObjects--;
  ExFreePool(header);
}

void ObDereferenceObject(void *Object)
{
  OBJECT_HEADER *header = ob_header(Object);
  ke_check_live(header);
  if (header->PointerCount <= 0) {
    ob_internal_error("ObDereferenceObject: reference count below zero", Object);
    return;
  }
  if (--header->PointerCount > 0)
    return;
  if (header->HandleCount != 0) {
    ob_internal_error("ObDereferenceObject: last reference gone while handles are open", Object);
    return;
  }
  struct ob_state *ob = ob_state_of_machine();
  KTHREAD *thread = KeGetCurrentThread();
  for (struct ob_reaper *reaper = ob->reapers; reaper; reaper = reaper->next)
    if (reaper->thread == thread) {
      InsertTailList(&reaper->pending, &header->delete_entry);
      return;
    }
  struct ob_reaper reaper = {.next = ob->reapers, .thread = thread};
  InitializeListHead(&reaper.pending);
  ob->reapers = &reaper;
  InsertTailList(&reaper.pending, &header->delete_entry);
  while (!IsListEmpty(&reaper.pending))
    delete_object(CONTAINING_RECORD(RemoveHeadList(&reaper.pending), OBJECT_HEADER, delete_entry));
  struct ob_reaper **link = &ob->reapers;
  while (*link != &reaper)
    link = &(*link)->next;
  *link = reaper.next;
}

DISPATCHER_HEADER *ob_dispatcher(void *Object)
{
  LONG offset = ob_header(Object)->Type->dispatcher_offset;
  return offset < 0 ? NULL : (DISPATCHER_HEADER *)(void *)((char *)Object + offset);
}

void ob_count_handle(void *Object)
{
  OBJECT_HEADER *header = ob_header(Object);
  OBJECT_TYPE *type = header->Type;
  header->HandleCount++;
  if (++type->TotalNumberOfHandles > type->HighWaterNumberOfHandles)
    type->HighWaterNumberOfHandles = type->TotalNumberOfHandles;
}

void ob_uncount_handle(EPROCESS *Process, void *Object, ACCESS_MASK GrantedAccess)
{
  OBJECT_HEADER *header = ob_header(Object);
  OBJECT_TYPE *type = header->Type;
  if (header->HandleCount <= 0 || type->TotalNumberOfHandles == 0) {
    ob_internal_error("ob_uncount_handle: handle count below zero", Object);
    return;
  }
  ULONG before = (ULONG)header->HandleCount--;
  type->TotalNumberOfHandles--;
  /* Handles per process are counted on Windows only for types that ask for it; none here does. */
  if (type->CloseProcedure)
    type->CloseProcedure(Process, Object, GrantedAccess, 0, before);
  /* The procedure may have let others run, who opened the object again. */
  if (header->HandleCount == 0 && !header->permanent)
    ob_remove_name(header);
  ObDereferenceObject(Object);
}

void ObMakeTemporaryObject(void *Object)
{
  OBJECT_HEADER *header = ob_header(Object);
  header->permanent = false;
  if (header->HandleCount == 0)
    ob_remove_name(header);
}
