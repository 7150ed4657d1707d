/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file ob_table.h  A process's handle table, for ob's own files. Entries move when the table grows: no pointer to one
 *  is kept across a call that may add a handle or switch threads. */
#ifndef NTOS_OB_OB_TABLE_H
#define NTOS_OB_OB_TABLE_H

#include "ntos/ob/ob.h"

struct handle_entry {
  void *Object; /**< NULL: free; the handle holds a reference */
  ACCESS_MASK GrantedAccess;
  union {
    ULONG Attributes; /**< OBJ_INHERIT, OBJ_PROTECT_CLOSE */
    ULONG next_free;  /**< index, 0: end of the free list */
  };
};

struct _HANDLE_TABLE {
  struct handle_entry *entries; /**< entry 0 is never used */
  ULONG capacity;
  ULONG used;       /**< highest index that was ever given out */
  ULONG count;      /**< open handles */
  ULONG first_free; /**< most recently freed */
  bool closing;     /**< the process is closing its handles: no new ones */
};

/** 0: limit or no memory. The caller has counted the handle's reference. */
HANDLE ob_table_add(struct _HANDLE_TABLE *table, void *Object, ACCESS_MASK GrantedAccess, ULONG Attributes);
/** NULL: not an open handle. */
struct handle_entry *ob_table_find(struct _HANDLE_TABLE *table, HANDLE Handle);
/** Puts the entry at the head of the free list. */
void ob_table_remove(struct _HANDLE_TABLE *table, struct handle_entry *entry);
/** Frees an empty table. */
void ob_free_table(struct _HANDLE_TABLE *table);

#endif
