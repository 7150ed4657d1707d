/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file ob_bodies.h  Bodies of the object types that ob itself creates and that are more than a dispatcher object. */
#ifndef NTOS_OB_OB_BODIES_H
#define NTOS_OB_OB_BODIES_H

#include "ntos/ob/ob.h"

/** Body of a Directory object. */
typedef struct _OBJECT_DIRECTORY {
  ULONG64 id; /**< never used again: part of the key of every name below it */
} OBJECT_DIRECTORY;

/** Body of a SymbolicLink object. */
typedef struct _OBJECT_SYMBOLIC_LINK {
  char *target; /**< absolute path, UTF-8, in the pool */
  ULONG64 CreationTime;
} OBJECT_SYMBOLIC_LINK;

/** Body of a Timer object. */
typedef struct _ETIMER {
  KTIMER KeTimer;
  KAPC TimerApc;
  ETHREAD *apc_thread; /**< who set it with an APC routine; referenced, NULL for none */
} ETIMER;

/** Body of a KeyedEvent object: waiters and releasers meet by key, whoever comes first blocks. */
typedef struct _KEYED_EVENT {
  LIST_ENTRY waiters[2]; /**< [0] of NtWaitForKeyedEvent, [1] of NtReleaseKeyedEvent, in order of arrival */
} KEYED_EVENT;

/** Body of an IoCompletion object. */
typedef struct _IO_COMPLETION {
  KEVENT available; /**< notification event: packets is not empty */
  LIST_ENTRY packets;
  ULONG depth;
} IO_COMPLETION;

/** One queued completion. */
struct io_completion_packet {
  LIST_ENTRY entry;
  ULONG64 key, apc_context, information;
  NTSTATUS status;
};

/** Takes a timer's APC out of its thread's queue and forgets the thread. */
void ob_timer_forget_apc(ETIMER *Timer);

/** Makes a SymbolicLink object with one reference; `target` is copied. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ob_create_symbolic_link(const char *target, void **Object);
/** Makes a Directory object with one reference. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ob_create_directory(void **Object);
/** Makes a KeyedEvent object with one reference. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ob_create_keyed_event(void **Object);
/** The keyed event that services use when they are given handle 0. */
#define OB_CRITICAL_SECTION_OUT_OF_MEMORY_EVENT "\\KernelObjects\\CritSecOutOfMemoryEvent"

#endif
