/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file ps_types.h  Processes and threads (NT's field names; the layout is our own, DESIGN 1.10). */
#ifndef NTOS_INC_PS_TYPES_H
#define NTOS_INC_PS_TYPES_H

#include "ntos/inc/ke_types.h"

struct _HANDLE_TABLE;
struct _DEBUG_OBJECT;
struct _SECTION;
struct _LPCP_PORT_OBJECT;
struct mm_process;

/* EPROCESS.Flags */
#define PS_PROCESS_FLAGS_CREATE_REPORTED 0x1u
#define PS_PROCESS_FLAGS_NO_DEBUG_INHERIT 0x2u
#define PS_PROCESS_FLAGS_PROCESS_EXITING 0x4u
#define PS_PROCESS_FLAGS_PROCESS_DELETE 0x8u
#define PS_PROCESS_FLAGS_BREAK_ON_TERMINATION 0x2000u
#define PS_PROCESS_FLAGS_IMAGE_NOTIFY_DONE 0x400000u
/* EPROCESS.Flags3 */
#define PS_PROCESS_FLAGS3_MINIMAL 0x1u

/* ETHREAD.CrossThreadFlags, the layout of Windows 10 (spec/3.1) */
#define PS_CROSS_THREAD_FLAGS_TERMINATED 0x1u
#define PS_CROSS_THREAD_FLAGS_THREAD_INSERTED 0x2u
#define PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER 0x4u
#define PS_CROSS_THREAD_FLAGS_HARD_ERRORS_DISABLED 0x10u
#define PS_CROSS_THREAD_FLAGS_BREAK_ON_TERMINATION 0x20u
#define PS_CROSS_THREAD_FLAGS_SKIP_CREATION_MSG 0x40u
#define PS_CROSS_THREAD_FLAGS_SKIP_TERMINATION_MSG 0x80u

/** Privileges of a token: bit n is the privilege with LUID n. */
typedef struct _SEP_TOKEN_PRIVILEGES {
  ULONG64 Present, Enabled;
} SEP_TOKEN_PRIVILEGES;

typedef struct _EPROCESS {
  KPROCESS Pcb;
  EX_RUNDOWN_REF RundownProtect;
  HANDLE UniqueProcessId;
  LIST_ENTRY ActiveProcessLinks; /**< ps's list of processes, until the object is deleted */
  ULONG Flags;
  ULONG Flags3;
  HANDLE InheritedFromUniqueProcessId;
  struct _DEBUG_OBJECT *DebugPort; /**< guarded by dbgk's DbgkpProcessDebugPortMutex; referenced */
  struct _LPCP_PORT_OBJECT *ExceptionPort; /**< set once; referenced */
  struct _SECTION *SectionObject;  /**< of the image; referenced */
  ULONG64 SectionBaseAddress;
  ULONG64 Peb;
  LIST_ENTRY ThreadListHead; /**< ETHREAD.ThreadListEntry, in order of creation, until an object is deleted */
  ULONG ActiveThreads;       /**< threads that have not begun their last exit steps */
  NTSTATUS ExitStatus;
  struct _HANDLE_TABLE *ObjectTable;
  struct mm_process *Vm; /**< address ranges of this process (mm) */
  char ImageFileName[16];
  ULONG64 CreateTime, ExitTime;
  ULONG64 entry_point; /**< image base + AddressOfEntryPoint */
  ULONG Cookie;        /**< ProcessCookie */
  ULONG DefaultHardErrorProcessing; /**< bit 0: hard errors are reported */
  void *PicoContext;       /**< not NULL: a Pico process, whose exceptions its provider sees (spec/2.1 step 4) */
  NTSTATUS fault_status;   /**< PsSetProcessFaultInformation: last second-chance exception */
  size_t PoolQuotaUsage, PoolQuotaLimit; /**< bytes of kernel pool charged to this process */
  SEP_TOKEN_PRIVILEGES Privileges; /**< of the primary token; a new process has its parent's */
  UCHAR Protection;        /**< not 0: a protected process, that only its like may debug */
  BOOLEAN WoW64Process;    /**< a 32-bit process; none is made yet */
  BOOLEAN threadless; /**< never had a thread: it holds no reference on itself, its last handle ends it */
  BOOLEAN native; /**< host code; its memory can not be read, written or debugged by others */
  ULONG64 next_teb;  /**< where the next TEB is tried */
} EPROCESS;

typedef struct _ETHREAD {
  KTHREAD Tcb;
  CLIENT_ID Cid;
  LIST_ENTRY ThreadListEntry; /**< EPROCESS.ThreadListHead */
  EX_RUNDOWN_REF RundownProtect;
  ULONG CrossThreadFlags;
  ULONG64 StartAddress;      /**< what CreateThread was given (fact 44) */
  ULONG64 Win32StartAddress;
  NTSTATUS ExitStatus;
  KAPC exit_apc;             /**< queued by PspTerminateThreadByPointer */
  ULONG64 stack_base, stack_limit; /**< user stack; base is its high end */
  ULONG64 stack_allocation;  /**< base of the stack's reservation */
  ULONG64 Win32Thread;
  KEVENT alert_by_id;        /**< NtAlertThreadByThreadId */
  BOOLEAN first_in_process;  /**< it made a threadless process one that runs */
  BOOLEAN ended_by_other;    /**< told to exit by another thread: user mode had no chance to tidy up */
} ETHREAD;

/** Ended: signalled for good, though the object may live on. */
static inline bool ps_process_ended(const EPROCESS *process) { return process->Pcb.Header.SignalState > 0; }
static inline bool ps_thread_ended(const ETHREAD *thread) { return thread->Tcb.Header.SignalState > 0; }
static inline EPROCESS *PsThreadProcess(const ETHREAD *thread) { return (EPROCESS *)thread->Tcb.Process; }

#endif
