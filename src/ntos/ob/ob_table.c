/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handle tables: values are multiples of 4 from 4, the value freed last is given out first, as on Windows. */
#include "ntos/ob/ob_table.h"

#include "ntos/ke/ke.h"
#include "ntos/ob/ob_private.h"

#include <string.h>

#define TAG POOL_TAG('O', 'b', 't', 'b')
#define FIRST_CAPACITY 64u
/* Windows keeps the first entry of each page of 256 for itself: no handle is a multiple of 0x400. */
#define ENTRIES_PER_PAGE 256u
#define NO_ENTRY 0u

struct _HANDLE_TABLE *ObCreateHandleTable(void)
{
  struct _HANDLE_TABLE *table = ExAllocatePoolWithTag(sizeof *table, TAG);
  return table;
}

void ob_free_table(struct _HANDLE_TABLE *table)
{
  ExFreePool(table->entries);
  ExFreePool(table);
}

static bool reserve(struct _HANDLE_TABLE *table, ULONG index)
{
  if (index < table->capacity)
    return true;
  ULONG capacity = table->capacity ? table->capacity : FIRST_CAPACITY;
  while (capacity <= index)
    capacity *= 2;
  struct handle_entry *entries = table->entries ? ExReallocatePool(table->entries, capacity * sizeof *entries, TAG)
                                                : ExAllocatePoolWithTag(capacity * sizeof *entries, TAG);
  if (!entries)
    return false;
  table->entries = entries;
  table->capacity = capacity;
  return true;
}

HANDLE ob_table_add(struct _HANDLE_TABLE *table, void *Object, ACCESS_MASK GrantedAccess, ULONG Attributes)
{
  if (table->closing || table->count >= ob_state_of_machine()->max_handles)
    return 0;
  ULONG index = table->first_free;
  if (index != NO_ENTRY) {
    table->first_free = table->entries[index].next_free;
  } else {
    index = table->used + 1;
    if (index % ENTRIES_PER_PAGE == 0)
      index++;
    if (!reserve(table, index))
      return 0;
    table->used = index;
  }
  table->entries[index] = (struct handle_entry){.Object = Object, .GrantedAccess = GrantedAccess};
  table->entries[index].Attributes = Attributes & (OBJ_INHERIT | OBJ_PROTECT_CLOSE);
  table->count++;
  return (HANDLE)index * 4;
}

struct handle_entry *ob_table_find(struct _HANDLE_TABLE *table, HANDLE Handle)
{
  ULONG64 index = Handle >> 2; /* the two low bits are the caller's own */
  if (!table || index == NO_ENTRY || index > table->used || !table->entries[index].Object)
    return NULL;
  return &table->entries[index];
}

void ob_table_remove(struct _HANDLE_TABLE *table, struct handle_entry *entry)
{
  entry->Object = NULL;
  entry->GrantedAccess = 0;
  entry->next_free = table->first_free;
  table->first_free = (ULONG)(entry - table->entries);
  table->count--;
}

static void copy_entry(struct _HANDLE_TABLE *to, ULONG index, const struct handle_entry *entry)
{
  to->entries[index] = *entry;
  to->count++;
  ObReferenceObject(entry->Object);
  ob_count_handle(entry->Object);
}

/* Free values up to `used` are linked so that the lowest is given out first. */
static void link_free_values(struct _HANDLE_TABLE *table, ULONG used)
{
  table->used = used;
  for (ULONG index = used; index > 0; index--)
    if (!table->entries[index].Object && index % ENTRIES_PER_PAGE != 0) {
      table->entries[index].next_free = table->first_free;
      table->first_free = index;
    }
}

static bool copy_inherited(struct _HANDLE_TABLE *to, const struct _HANDLE_TABLE *from)
{
  if (from->used == 0)
    return true;
  if (!reserve(to, from->used))
    return false;
  for (ULONG index = 1; index <= from->used; index++)
    if (from->entries[index].Object && (from->entries[index].Attributes & OBJ_INHERIT))
      copy_entry(to, index, &from->entries[index]);
  link_free_values(to, from->used);
  return true;
}

NTSTATUS ob_inherit_listed(EPROCESS *Parent, EPROCESS *Process, const HANDLE *handles, size_t count)
{
  struct _HANDLE_TABLE *to = Process->ObjectTable, *from = Parent->ObjectTable;
  ULONG used = 0;
  for (size_t i = 0; i < count; i++) {
    const struct handle_entry *entry = ob_table_find(from, handles[i]);
    if (!entry || !(entry->Attributes & OBJ_INHERIT))
      return STATUS_INVALID_PARAMETER;
    ULONG index = (ULONG)(entry - from->entries);
    used = index > used ? index : used;
  }
  if (used != 0 && !reserve(to, used))
    return STATUS_INSUFFICIENT_RESOURCES;
  for (size_t i = 0; i < count; i++) {
    const struct handle_entry *entry = ob_table_find(from, handles[i]);
    ULONG index = (ULONG)(entry - from->entries);
    if (!to->entries[index].Object)
      copy_entry(to, index, entry);
  }
  link_free_values(to, used);
  return STATUS_SUCCESS;
}

NTSTATUS ObInitProcess(EPROCESS *Parent, EPROCESS *Process)
{
  struct _HANDLE_TABLE *table = ObCreateHandleTable();
  if (!table)
    return STATUS_INSUFFICIENT_RESOURCES;
  if (Parent && Parent->ObjectTable && !copy_inherited(table, Parent->ObjectTable)) {
    ob_free_table(table);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  Process->ObjectTable = table;
  return STATUS_SUCCESS;
}

void ObKillProcess(EPROCESS *Process)
{
  struct _HANDLE_TABLE *table = Process->ObjectTable;
  if (!table || table->closing)
    return;
  /* Close procedures may let other threads run: these still find the handles that are left, and can add none. */
  table->closing = true;
  for (ULONG index = 1; index <= table->used; index++) {
    struct handle_entry *entry = ob_table_find(table, (HANDLE)index * 4);
    if (!entry)
      continue;
    void *object = entry->Object;
    ACCESS_MASK access = entry->GrantedAccess;
    ob_table_remove(table, entry);
    ob_uncount_handle(Process, object, access);
  }
  Process->ObjectTable = NULL;
  ob_free_table(table);
}

ULONG ob_handle_count(const EPROCESS *Process) { return Process->ObjectTable ? Process->ObjectTable->count : 0; }
