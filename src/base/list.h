/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file list.h  Doubly linked lists, with the names and behaviour of NT's. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct _LIST_ENTRY {
  struct _LIST_ENTRY *Flink;
  struct _LIST_ENTRY *Blink;
} LIST_ENTRY;

/** The structure that contains `field` at `address`. */
#define CONTAINING_RECORD(address, type, field) ((type *)(void *)((char *)(address)-offsetof(type, field)))

/** Makes an empty list. */
static inline void InitializeListHead(LIST_ENTRY *head) { head->Flink = head->Blink = head; }
/** True for a list without entries. */
static inline bool IsListEmpty(const LIST_ENTRY *head) { return head->Flink == head; }
/** Takes an entry out and leaves it pointing at itself. */
static inline void RemoveEntryList(LIST_ENTRY *entry)
{
  entry->Blink->Flink = entry->Flink;
  entry->Flink->Blink = entry->Blink;
  entry->Flink = entry->Blink = entry;
}
/** Adds at the end. */
static inline void InsertTailList(LIST_ENTRY *head, LIST_ENTRY *entry)
{
  entry->Flink = head;
  entry->Blink = head->Blink;
  head->Blink->Flink = entry;
  head->Blink = entry;
}
/** Adds at the start. */
static inline void InsertHeadList(LIST_ENTRY *head, LIST_ENTRY *entry)
{
  entry->Blink = head;
  entry->Flink = head->Flink;
  head->Flink->Blink = entry;
  head->Flink = entry;
}
/** Takes out the first entry of a list that is not empty. */
static inline LIST_ENTRY *RemoveHeadList(LIST_ENTRY *head)
{
  LIST_ENTRY *entry = head->Flink;
  RemoveEntryList(entry);
  return entry;
}

#endif
