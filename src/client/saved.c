/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The handles that Win32's book-keeping holds for a debugger (spec/4.3), found by process, thread and kind in a table:
 * a process with very many threads ends one event at a time. */
#include "client/client.h"

enum kind {
  HELD,   /**< of a process or a thread */
  MARKED, /**< its exit was reported: closed at the continue */
  FILE_OF_EVENT
};

struct key {
  uint32_t pid;
  uint32_t tid;  /**< 0 for a process */
  uint32_t kind; /**< enum kind */
};

static uint32_t hash_of(const struct key *key)
{
  return (key->tid ? key->tid : key->pid) / 4 + key->kind * 0x9E3779B9u;
}

#define TAG POOL_TAG('C', 'l', 'n', 's')
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) ExAllocatePoolWithTag(size, TAG)
#define uthash_free(block, size) ExFreePool(block)
#define uthash_nonfatal_oom(element) ((element)->hashed = false)
/* Ids of processes and threads come from one sequence: neighbours in time are neighbours in the table. */
#define HASH_FUNCTION(place, size, hash) ((hash) = hash_of((const void *)(place)))
#include <uthash.h>

struct client_saved {
  LIST_ENTRY entry; /**< in order of saving: that of closing */
  struct key key;
  HANDLE handle;
  bool hashed; /**< in the table: always, unless memory for it ran out when an entry was marked */
  UT_hash_handle hh;
};

static struct client_saved *find(const struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid, enum kind kind)
{
  const struct key key = {pid, tid, kind};
  struct client_saved *found;
  HASH_FIND(hh, debugger->saved_table, &key, sizeof key, found);
  return found;
}

static void insert(struct dbgksim_debugger *debugger, struct client_saved *saved)
{
  saved->hashed = true;
  HASH_ADD(hh, debugger->saved_table, key, sizeof saved->key, saved);
}

static void withdraw(struct dbgksim_debugger *debugger, struct client_saved *saved)
{
  if (saved->hashed)
    HASH_DELETE(hh, debugger->saved_table, saved);
  RemoveEntryList(&saved->entry);
  ExFreePool(saved);
}

static bool save(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid, enum kind kind, HANDLE handle)
{
  struct client_saved *saved = ExAllocatePoolWithTag(sizeof *saved, TAG);
  if (!saved)
    return false;
  saved->key = (struct key){pid, tid, kind};
  saved->handle = handle;
  InsertTailList(&debugger->saved, &saved->entry);
  insert(debugger, saved);
  if (saved->hashed)
    return true;
  withdraw(debugger, saved);
  return false;
}

bool client_save_process(struct dbgksim_debugger *debugger, uint32_t pid, HANDLE handle)
{
  if (!save(debugger, pid, 0, HELD, handle))
    return false;
  debugger->live++;
  return true;
}

bool client_save_thread(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid, HANDLE handle)
{
  return save(debugger, pid, tid, HELD, handle);
}

bool client_save_file(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid, HANDLE handle)
{
  return !handle || save(debugger, pid, tid, FILE_OF_EVENT, handle);
}

bool client_knows_process(const struct dbgksim_debugger *debugger, uint32_t pid)
{
  return find(debugger, pid, 0, HELD) || find(debugger, pid, 0, MARKED);
}

void client_mark(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid)
{
  struct client_saved *saved = find(debugger, pid, tid, HELD);
  if (!saved)
    return;
  if (!tid)
    debugger->live--;
  HASH_DELETE(hh, debugger->saved_table, saved);
  saved->key.kind = MARKED;
  insert(debugger, saved);
}

static void forget(struct dbgksim_debugger *debugger, struct client_saved *saved)
{
  if (saved->handle)
    ObCloseHandle(saved->handle, UserMode);
  if (!saved->key.tid && saved->key.kind == HELD)
    debugger->live--;
  withdraw(debugger, saved);
}

static void forget_key(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid, enum kind kind)
{
  struct client_saved *saved;
  while ((saved = find(debugger, pid, tid, kind)))
    forget(debugger, saved);
}

void client_close_answered(struct dbgksim_debugger *debugger, uint32_t pid, uint32_t tid)
{
  forget_key(debugger, pid, tid, FILE_OF_EVENT);
  forget_key(debugger, pid, 0, MARKED);
  forget_key(debugger, pid, tid, MARKED);
}

void client_forget_process(struct dbgksim_debugger *debugger, uint32_t pid)
{
  for (LIST_ENTRY *e = debugger->saved.Flink, *next; e != &debugger->saved; e = next) {
    struct client_saved *saved = CONTAINING_RECORD(e, struct client_saved, entry);
    next = e->Flink;
    if (saved->key.pid == pid)
      forget(debugger, saved);
  }
}

void client_forget_all(struct dbgksim_debugger *debugger)
{
  while (!IsListEmpty(&debugger->saved))
    forget(debugger, CONTAINING_RECORD(debugger->saved.Flink, struct client_saved, entry));
}
