/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file monitor.h  Every system service that programs call, with its arguments and its result.
 *
 *  A monitor stands where LSTAR (MSR C0000082) leads: the syscall instruction reaches it before the kernel's own entry,
 *  which it goes on to, as a driver does it on a real system with rdmsr and wrmsr. Programs do not notice. */
#ifndef DBGKSIM_MONITOR_H
#define DBGKSIM_MONITOR_H

#include <dbgksim/dbgksim.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Families of services, bits. A service may belong to several. */
#define DBGKSIM_SERVICES_DEBUG 0x1u
#define DBGKSIM_SERVICES_MEMORY 0x2u
#define DBGKSIM_SERVICES_PROCESS 0x4u
#define DBGKSIM_SERVICES_FILE 0x8u
#define DBGKSIM_SERVICES_SECTION 0x10u
#define DBGKSIM_SERVICES_SYNC 0x20u
#define DBGKSIM_SERVICES_REGISTRY 0x40u
#define DBGKSIM_SERVICES_OBJECT 0x80u
#define DBGKSIM_SERVICES_TOKEN 0x100u
#define DBGKSIM_SERVICES_PORT 0x200u
#define DBGKSIM_SERVICES_SYSTEM 0x400u

/** Most arguments of any service, and the room for its name. */
#define DBGKSIM_SERVICE_ARGUMENTS 17
#define DBGKSIM_SERVICE_NAME 48
/** Room in which the text of any argument fits. */
#define DBGKSIM_SERVICE_TEXT 8192

enum dbgksim_service_phase {
  DBGKSIM_SERVICE_ENTERED, /**< nothing is done yet */
  DBGKSIM_SERVICE_LEFT     /**< it is done */
};
enum dbgksim_service_outcome {
  DBGKSIM_SERVICE_RETURNS,    /**< to its caller, with the status */
  DBGKSIM_SERVICE_CONTINUES,  /**< elsewhere: the thread has another context (NtContinue) */
  DBGKSIM_SERVICE_ENDS_THREAD /**< the thread ends before it sees the status */
};

/** A call of a service, as its monitor saw it. */
struct dbgksim_service_call {
  enum dbgksim_service_phase phase;
  uint64_t call;        /**< number of the call, from 1; the same when it is entered and left */
  uint64_t nanoseconds; /**< virtual time of this phase */
  uint32_t pid, tid;
  uint32_t number;      /**< of the service */
  char name[DBGKSIM_SERVICE_NAME]; /**< "NtClose"; "service 0x1234" for a number that no service has */
  uint32_t groups;      /**< DBGKSIM_SERVICES_*, 0 for an unknown service */
  const void *known;    /**< for dbgksim_service_argument; NULL for an unknown service */
  unsigned argument_count; /**< of an unknown service the four that lie in registers */
  uint64_t arguments[DBGKSIM_SERVICE_ARGUMENTS];
  enum dbgksim_service_outcome outcome; /**< when it is left */
  NTSTATUS status;      /**< when it is left */
  const void *captured; /**< what the arguments led to, for dbgksim_service_argument; may be copied */
  size_t captured_size;
};

typedef struct dbgksim_monitor dbgksim_monitor;
/** Receives calls, each when it is entered and when it is left. Comes when the machine is left or the program waits for
 *  the host, never on a simulated thread, and may not call the machine. */
typedef void dbgksim_service_fn(void *context, const struct dbgksim_service_call *call);

/** Puts a monitor in LSTAR's place. At most 4 at a time; the latest sees a call first.
 *  @return DBGKSIM_BAD_ARGUMENT, DBGKSIM_NO_MEMORY */
DBGKSIM_API enum dbgksim_status dbgksim_monitor_services(dbgksim_machine *machine, dbgksim_service_fn *fn,
                                                         void *context, dbgksim_monitor **monitor);
/** Takes it out again and frees it; calls that have not ended are not reported any more. NULL is allowed. */
DBGKSIM_API void dbgksim_monitor_remove(dbgksim_monitor *monitor);

/** How many phases of calls could not be kept until they were reported, for lack of memory; 0 as a rule. */
DBGKSIM_API uint64_t dbgksim_monitor_lost(const dbgksim_monitor *monitor);

/** Writes an argument as text: names of flags, what handles stand for, strings, what the service left behind. Pointers
 *  that led nowhere are addresses. Cut to `size`; the length that it would have is returned. */
DBGKSIM_API size_t dbgksim_service_argument(const struct dbgksim_service_call *call, unsigned index, char *out,
                                            size_t size);
/** Name of an argument, "ProcessHandle"; NULL if it has none. */
DBGKSIM_API const char *dbgksim_service_argument_name(const struct dbgksim_service_call *call, unsigned index);
/** The n-th service whose arguments are known, and its families; NULL behind the last. */
DBGKSIM_API const char *dbgksim_service_name(unsigned n, uint32_t *groups);
/** Name of a family (one bit), "debug"; NULL for others. */
DBGKSIM_API const char *dbgksim_service_group(uint32_t group);

/** rdmsr of the simulated processor: C0000080 EFER to C0000084 SFMASK, C0000100 to C0000102, 176.
 *  @return DBGKSIM_NT_ERROR with STATUS_PRIVILEGED_INSTRUCTION: the register does not exist (#GP on a processor) */
DBGKSIM_API enum dbgksim_status dbgksim_read_msr(dbgksim_machine *machine, uint32_t msr, uint64_t *value);
/** wrmsr. Where LSTAR leads to no kernel code, the next syscall stops the machine with DBGKSIM_INTERNAL; with another
 *  LSTAR it goes on.
 *  @return DBGKSIM_NT_ERROR with STATUS_PRIVILEGED_INSTRUCTION (#GP on a processor: no such register, reserved bits, an
 *  address that is not canonical) or STATUS_NOT_SUPPORTED (EFER, the bases of FS and GS) */
DBGKSIM_API enum dbgksim_status dbgksim_write_msr(dbgksim_machine *machine, uint32_t msr, uint64_t value);

#ifdef __cplusplus
}
#endif
#endif
