/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file monitor.h  Model-specific registers of the system service entry, and monitors that stand in LSTAR's place
 *  (spec/1.4). */
#ifndef NTOS_TRAP_MONITOR_H
#define NTOS_TRAP_MONITOR_H

#include "ntos/inc/pcr.h"

#include <dbgksim/monitor.h>

/* ---- msr.c ---- */

#define MSR_SYSENTER_EIP 0x176u
#define MSR_EFER 0xC0000080u
#define MSR_STAR 0xC0000081u
#define MSR_LSTAR 0xC0000082u
#define MSR_CSTAR 0xC0000083u
#define MSR_SFMASK 0xC0000084u
#define MSR_FS_BASE 0xC0000100u
#define MSR_GS_BASE 0xC0000101u
#define MSR_KERNEL_GS_BASE 0xC0000102u

/** rdmsr. STATUS_PRIVILEGED_INSTRUCTION: the register does not exist (#GP on a processor). */
NTSTATUS ki_read_msr(ULONG msr, ULONG64 *value);
/** wrmsr. STATUS_PRIVILEGED_INSTRUCTION as above, for reserved bits and for an address that is not canonical;
 *  STATUS_NOT_SUPPORTED for what the simulator needs as it is (EFER, the bases of FS and GS). */
NTSTATUS ki_write_msr(ULONG msr, ULONG64 value);

/* ---- arguments.c ---- */

/** What an argument is: how it is captured and shown. */
enum service_argument_kind {
  /* the value says all */
  ARGUMENT_HEX,
  ARGUMENT_POINTER,
  ARGUMENT_NUMBER,
  ARGUMENT_SIGNED,
  ARGUMENT_BOOLEAN,
  ARGUMENT_STATUS,
  ARGUMENT_CONTROL_CODE,
  /* sets of flags */
  ARGUMENT_ACCESS,
  ARGUMENT_ACCESS_DEBUG,
  ARGUMENT_ACCESS_DIRECTORY,
  ARGUMENT_ACCESS_EVENT,
  ARGUMENT_ACCESS_FILE,
  ARGUMENT_ACCESS_KEY,
  ARGUMENT_ACCESS_MUTANT,
  ARGUMENT_ACCESS_PROCESS,
  ARGUMENT_ACCESS_SECTION,
  ARGUMENT_ACCESS_SEMAPHORE,
  ARGUMENT_ACCESS_THREAD,
  ARGUMENT_ACCESS_TIMER,
  ARGUMENT_ACCESS_TOKEN,
  ARGUMENT_DEBUG_FLAGS,
  ARGUMENT_DUPLICATE,
  ARGUMENT_FILE_ATTRIBUTES,
  ARGUMENT_FILE_OPTIONS,
  ARGUMENT_HANDLE_ATTRIBUTES,
  ARGUMENT_MEM_ALLOCATE,
  ARGUMENT_MEM_FREE,
  ARGUMENT_MEM_STATE,
  ARGUMENT_PAGE,
  ARGUMENT_PROCESS_FLAGS,
  ARGUMENT_SECTION_FLAGS,
  ARGUMENT_SHARE,
  ARGUMENT_THREAD_FLAGS,
  /* one of several names */
  ARGUMENT_CLASS_DEBUG,
  ARGUMENT_CLASS_FILE,
  ARGUMENT_CLASS_KEY,
  ARGUMENT_CLASS_MEMORY,
  ARGUMENT_CLASS_OBJECT,
  ARGUMENT_CLASS_PROCESS,
  ARGUMENT_CLASS_SECTION,
  ARGUMENT_CLASS_SYSTEM,
  ARGUMENT_CLASS_THREAD,
  ARGUMENT_CLASS_TOKEN,
  ARGUMENT_CLASS_VALUE,
  ARGUMENT_CLASS_VOLUME,
  ARGUMENT_DISPOSITION,
  ARGUMENT_EVENT_TYPE,
  ARGUMENT_TIMER_TYPE,
  ARGUMENT_VIEW,
  ARGUMENT_WAIT_TYPE,
  /* captured at the entry */
  ARGUMENT_HANDLE,
  ARGUMENT_HANDLE_IN, /**< of the process that the other argument names */
  ARGUMENT_HANDLES,   /**< an array, as many as the other argument says */
  ARGUMENT_CLIENT_ID,
  ARGUMENT_CONTEXT,
  ARGUMENT_IN_BYTES, /**< as many as the other argument says */
  ARGUMENT_IN_INFORMATION,
  ARGUMENT_IN_WIDE,
  ARGUMENT_LARGE, /**< LARGE_INTEGER */
  ARGUMENT_OBJECT_ATTRIBUTES,
  ARGUMENT_PARAMETERS, /**< RTL_USER_PROCESS_PARAMETERS */
  ARGUMENT_RECORD,     /**< EXCEPTION_RECORD */
  ARGUMENT_STRING,     /**< UNICODE_STRING */
  ARGUMENT_TIMEOUT,
  /* captured at the entry and at the end */
  ARGUMENT_IO_POINTER,
  ARGUMENT_IO_SIZE,
  /* captured at the end */
  ARGUMENT_IO_STATUS,
  ARGUMENT_OUT_BOOLEAN,
  ARGUMENT_OUT_BYTES, /**< as many as the other argument, or what says how many were moved */
  ARGUMENT_OUT_CLIENT_ID,
  ARGUMENT_OUT_CONTEXT,
  ARGUMENT_OUT_HANDLE,
  ARGUMENT_OUT_HANDLE_IN,
  ARGUMENT_OUT_INFORMATION,
  ARGUMENT_OUT_LARGE,
  ARGUMENT_OUT_NUMBER,
  ARGUMENT_OUT_PAGE,
  ARGUMENT_OUT_POINTER,
  ARGUMENT_OUT_SHORT,
  ARGUMENT_OUT_SIZE,
  ARGUMENT_OUT_STRING,
  ARGUMENT_STATE_CHANGE,
  ARGUMENT_KINDS
};

struct service_argument {
  const char *name;
  UCHAR kind;
  UCHAR with; /**< index of the argument that it goes with */
};

struct service_description {
  const char *name;
  ULONG groups; /**< DBGKSIM_SERVICES_* */
  struct service_argument arguments[DBGKSIM_SERVICE_ARGUMENTS + 1]; /**< the last has no name */
};

/** What is known of a service's arguments; NULL: nothing. */
const struct service_description *service_describe(const char *name);
/** The n-th description; NULL behind the last. */
const struct service_description *service_description_at(size_t n);

/* ---- capture.c ---- */

/** What an item that was captured holds. */
enum capture_content {
  CAPTURE_MEMORY, /**< bytes that the argument pointed to */
  CAPTURE_TEXT,   /**< of a UNICODE_STRING that it leads to: UTF-16 */
  CAPTURE_HANDLE, /**< what the handle stands for: UTF-8 */
};
/** Heads each item; its bytes follow, filled up to a multiple of 8. */
struct capture_item {
  UCHAR argument, content;
  UCHAR leaving; /**< captured at the end */
  UCHAR cut;     /**< there was more */
  ULONG size;
};
/** Bytes of a call's items together. What does not fit is left out. */
#define CAPTURE_LIMIT 3072u

struct capture {
  ULONG used;
  _Alignas(8) UCHAR bytes[CAPTURE_LIMIT];
};
/** Captures what the arguments of a call lead to, for the current process. Never changes it: a guard page stays one. */
void service_capture_entry(struct capture *c, const struct service_description *d, const ULONG64 *arguments);
/** The same for what a service left behind; not for one that failed. */
void service_capture_end(struct capture *c, const struct service_description *d, const ULONG64 *arguments,
                         NTSTATUS status);

/* ---- monitor.c ---- */

#define KI_MAX_MONITORS 4u

/** A call that a monitor saw; `captured` bytes of items follow. */
struct monitor_record {
  ULONG size; /**< with the items */
  ULONG captured;
  ULONG64 call, nanoseconds;
  ULONG pid, tid;
  ULONG number;
  UCHAR phase; /**< enum dbgksim_service_phase */
  UCHAR argument_count, outcome, reserved;
  NTSTATUS status;
  const struct service_description *description; /**< NULL: only the registers are known */
  ULONG64 arguments[DBGKSIM_SERVICE_ARGUMENTS];
  char name[DBGKSIM_SERVICE_NAME];
};

/** Puts a new monitor in LSTAR's place; it goes on to what was there. Its place may be another's later, so that it is
 *  known by the number of its installation, too. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ki_install_monitor(ULONG *monitor, ULONG64 *installation);
/** Takes a monitor out: LSTAR, or the monitor that goes on to this one, gets what this one goes on to. */
void ki_remove_monitor(ULONG monitor, ULONG64 installation);
/** The oldest record of a monitor, NULL if there is none; valid until the machine runs again. */
const struct monitor_record *ki_monitor_next(ULONG monitor, ULONG64 installation);
/** How many records of a monitor there was no memory for. */
ULONG64 ki_monitor_lost(ULONG monitor, ULONG64 installation);

#endif
