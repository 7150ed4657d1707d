/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file internal.h  Debug objects, events and messages (spec/3.1). */
#ifndef DBGK_INTERNAL_H
#define DBGK_INTERNAL_H

#include "dbgk/dbgk.h"
#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/ps/ps.h"

/* DEBUG_OBJECT.Flags */
#define DEBUG_OBJECT_DELETE_PENDING 0x1u
#define DEBUG_OBJECT_KILL_ON_CLOSE 0x2u
#define DEBUG_OBJECT_WOW64_DEBUGGER 0x4u

struct _DEBUG_EVENT;
/* Buckets of a debug object that has few processes; a power of two. */
#define DBGK_FIRST_BUCKETS 4u

typedef struct _DEBUG_OBJECT {
  KEVENT EventsPresent; /**< notification event; first, because the object is waited for through it (fact 42) */
  FAST_MUTEX Mutex;     /**< guards the rest; taken after DbgkpProcessDebugPortMutex (fact 36) */
  LIST_ENTRY EventList; /**< DEBUG_EVENT.EventList, in order of queueing */
  ULONG Flags;
  struct _DEBUG_EVENT *active;   /**< heap of the events that are neither READ nor INACTIVE (order.c) */
  struct _DEBUG_EVENT **buckets; /**< first event of each process, by process id */
  struct _DEBUG_EVENT *first_buckets[DBGK_FIRST_BUCKETS];
  ULONG bucket_count;            /**< a power of two */
  ULONG process_count;           /**< processes that have events in the list */
  ULONG64 next_sequence;
} DEBUG_OBJECT;

typedef struct _DBGKM_APIMSG {
  PORT_MESSAGE h;
  ULONG ApiNumber; /**< DBGKM_APINUMBER */
  NTSTATUS ReturnedStatus;
  union {
    DBGKM_EXCEPTION Exception;
    DBGKM_CREATE_THREAD CreateThread;
    DBGKM_CREATE_PROCESS CreateProcessInfo;
    DBGKM_EXIT_THREAD ExitThread;
    DBGKM_EXIT_PROCESS ExitProcess;
    DBGKM_LOAD_DLL LoadDll;
    DBGKM_UNLOAD_DLL UnloadDll;
    UCHAR largest[0xE0];
  } u;
} DBGKM_APIMSG;
C_ASSERT_SIZE(DBGKM_APIMSG, 0x110);
C_ASSERT_OFFSET(DBGKM_APIMSG, u, 0x30);

/* DEBUG_EVENT.Flags */
#define DEBUG_EVENT_READ 0x1u
#define DEBUG_EVENT_NOWAIT 0x2u
#define DEBUG_EVENT_INACTIVE 0x4u
#define DEBUG_EVENT_RELEASE 0x8u
#define DEBUG_EVENT_PROTECT_FAILED 0x10u
#define DEBUG_EVENT_SUSPEND 0x20u
#define DEBUG_EVENT_SKIPPABLE 0x40u /**< dropped for a thread whose creation was skipped */
#define DEBUG_EVENT_FILE 0x80u      /**< of NOWAIT: the message has a file handle, closed with the event */

/** One queued message. On the sender's stack while it waits, in the pool for NOWAIT. Guarded by the object's Mutex.
 *  What a detach of very many events touches comes first: it then touches two cache lines of each. */
typedef struct _DEBUG_EVENT {
  LIST_ENTRY EventList;
  ETHREAD *Thread;
  EPROCESS *Process;
  EPROCESS *QuotaProcess; /**< of a NOWAIT event: charged with it; referenced */
  ULONG Flags;
  NTSTATUS Status;
  LIST_ENTRY process_entry; /**< ring of the events of its process */
  ULONG64 sequence;         /**< order of queueing, in its object */
  ETHREAD *BackoutThread;   /**< the attaching thread, until it commits */
  CLIENT_ID ClientId;
  struct _DEBUG_EVENT *bucket_next; /**< of the first event of a process: the next process's in the bucket */
  struct _DEBUG_EVENT *heap_child, *heap_next, *heap_previous; /**< while active (order.c) */
  KEVENT ContinueEvent; /**< synchronization event that the sender waits for */
  DBGKM_APIMSG ApiMsg;  /**< last: the block of a NOWAIT event ends with its message (h.TotalLength) */
} DEBUG_EVENT;

/* Flags of DbgkpSendApiMessage */
#define DBGKP_SEND_SUSPEND 0x1u
#define DBGKP_SEND_SKIPPABLE 0x2u
#define DBGKP_SEND_LPC 0x4u /**< only in the trace: to the exception port, by DbgkpSendApiMessageLpc */

struct dbgk_state {
  FAST_MUTEX DbgkpProcessDebugPortMutex; /**< guards EPROCESS.DebugPort of every process */
  SECTION *system_dll;
  ULONG64 system_dll_base;
  enum dbgk_locking locking;
  bool signals_early; /**< the planted bug */
  LPCP_PORT_OBJECT *ExpDefaultErrorPort; /**< set once; referenced; NULL: nobody is told of hard errors */
  EPROCESS *ExpDefaultErrorPortProcess;  /**< its server; referenced */
};
static inline struct dbgk_state *dbgk_state(void) { return KeGetPcr()->dbgk; }

/** Takes DbgkpProcessDebugPortMutex, unless a variant of the locking does without. */
static inline void dbgk_take_port_mutex(const char *routine)
{
  FAST_MUTEX *mutex = &dbgk_state()->DbgkpProcessDebugPortMutex;
  bool locks = dbgk_state()->locking == DBGK_BOTH_LOCKS;
  ke_note_place(routine, locks ? mutex : NULL);
  if (locks)
    (ExAcquireFastMutex)(mutex);
  else
    (ke_race_point)();
}
static inline void dbgk_drop_port_mutex(const char *routine)
{
  FAST_MUTEX *mutex = &dbgk_state()->DbgkpProcessDebugPortMutex;
  if (dbgk_state()->locking != DBGK_BOTH_LOCKS)
    return;
  ke_note_place(routine, mutex);
  (ExReleaseFastMutex)(mutex);
}
#define dbgk_lock_port() dbgk_take_port_mutex(__func__)
#define dbgk_unlock_port() dbgk_drop_port_mutex(__func__)

/* ---- order.c: a debug object's events; its Mutex is held (not for the first two) ---- */

/** Makes an object's list empty. */
void dbgk_init_order(DEBUG_OBJECT *object);
/** Frees what the order of an object without events holds. */
void dbgk_free_order(DEBUG_OBJECT *object);
/** Adds an event at the end of the list; its Flags and ClientId are set. */
void dbgk_link_event(DEBUG_OBJECT *object, DEBUG_EVENT *event);
/** Takes an event out. */
void dbgk_unlink_event(DEBUG_OBJECT *object, DEBUG_EVENT *event);
/** Moves all events of a process, in order, to `list`, which is made empty first. */
void dbgk_take_process(DEBUG_OBJECT *object, HANDLE process_id, LIST_ENTRY *list);
/** Moves all events. */
void dbgk_take_all(DEBUG_OBJECT *object, LIST_ENTRY *list);
/** First event of a process in the list; NULL: none. */
DEBUG_EVENT *dbgk_first_event(const DEBUG_OBJECT *object, HANDLE process_id);
/** Next event of the same process; NULL: none. */
DEBUG_EVENT *dbgk_next_event(const DEBUG_EVENT *event);
/** No earlier event of the same process is in the list. */
bool dbgk_is_first(const DEBUG_EVENT *event);
/** Clears INACTIVE. */
void dbgk_activate_event(DEBUG_OBJECT *object, DEBUG_EVENT *event);
/** Sets INACTIVE or READ. */
void dbgk_deactivate_event(DEBUG_OBJECT *object, DEBUG_EVENT *event, ULONG flag);

/** Fills a message's header for an API and its data size (spec/3.1: 0x30 + size, 8 + size). */
void dbgk_init_message(DBGKM_APIMSG *ApiMsg, DBGKM_APINUMBER ApiNumber, size_t data_size);
/** Sends to the debug port and waits for the answer, again while it is DBG_REPLY_LATER (spec/2.3).
 *  STATUS_PORT_NOT_SET, STATUS_DEBUGGER_INACTIVE. */
NTSTATUS DbgkpSendApiMessage(EPROCESS *Process, ULONG Flags, DBGKM_APIMSG *ApiMsg);
/** Sends a message to a port and waits for the reply, whose status is in the message afterwards.
 *  @return what LpcRequestWaitReplyPort returns. STATUS_USER_APC: the thread is to exit, ReturnedStatus is pending. */
NTSTATUS DbgkpSendApiMessageLpc(DBGKM_APIMSG *ApiMsg, LPCP_PORT_OBJECT *Port);
/** Reports an exception that no exception port's server handled to the error port. Its server's status;
 *  DBG_EXCEPTION_NOT_HANDLED: there is no such port. */
NTSTATUS DbgkpSendErrorMessage(const EXCEPTION_RECORD64 *ExceptionRecord);
/** Queues a message (spec/2.3). With DEBUG_EVENT_NOWAIT it goes to TargetDebugObject and the caller does not wait. */
NTSTATUS DbgkpQueueMessage(EPROCESS *Process, ETHREAD *Thread, DBGKM_APIMSG *ApiMsg, ULONG Flags,
                           DEBUG_OBJECT *TargetDebugObject);
/** Lets the sender of an event go, or frees a NOWAIT event (spec/3.4). */
void DbgkpWakeTarget(DEBUG_EVENT *DebugEvent);
/** Closes a message's file handle, drops the references, frees (spec/3.4). */
void DbgkpFreeDebugEvent(DEBUG_EVENT *DebugEvent);
/** Freezes the current process; FALSE once it is being deleted. */
BOOLEAN DbgkpSuspendProcess(EPROCESS *Process);
void DbgkpResumeProcess(EPROCESS *Process);
/** PEB.BeingDebugged = (DebugPort != NULL). */
void DbgkpMarkProcessPeb(EPROCESS *Process);
/** Handle in the System process's table to the file of an image section, opened anew; 0 if it can not be opened. */
HANDLE DbgkpSectionToFileHandle(SECTION *Section);
/** Closes a kernel handle. */
void dbgk_close_kernel_handle(HANDLE Handle);
/** Fills a message with an image, its file opened anew. */
void dbgk_fill_load_dll(SECTION *Section, ULONG64 Base, ULONG64 NamePointer, DBGKM_LOAD_DLL *load);
/** Fills a message with a process's image; the start address is the image's entry point. */
void dbgk_fill_create_process(EPROCESS *Process, DBGKM_CREATE_PROCESS *info);
/** Ends taken events with STATUS_DEBUGGER_INACTIVE and wakes their senders. */
void dbgk_wake_events(LIST_ENTRY *list);

#endif
