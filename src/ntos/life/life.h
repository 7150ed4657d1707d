/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file life.h  How processes and threads start and exit (spec/3.6, 7.1). */
#ifndef NTOS_LIFE_LIFE_H
#define NTOS_LIFE_LIFE_H

#include "ntos/mm/mm.h"
#include "ntos/ps/ps.h"

struct _DEBUG_OBJECT;

/** What every process of a machine gets. */
struct life_userland {
  SECTION *ntdll;          /**< image section; referenced by life */
  SECTION *api_set;        /**< data section of apisetschema.dll, or NULL */
  ULONG64 api_set_offset;  /**< of the ApiSetMap in it */
  ULONG unix_call_slot;    /**< RVA in ntdll of __wine_unix_call_dispatcher, 0: none */
  ULONG unix_call_service; /**< service number that its stub uses */
};

/** Sets up life: the exit routine, KUSER_SHARED_DATA. False: no memory. */
bool LifeInitSystem(void);
/** Says which userland processes get; reads entry points and service numbers from its ntdll.
 *  STATUS_ENTRYPOINT_NOT_FOUND if LdrInitializeThunk or KiUserExceptionDispatcher is missing. */
NTSTATUS life_set_userland(const struct life_userland *userland);
/** The userland set; all zero before. */
const struct life_userland *life_userland(void);

#define LIFE_CREATE_SUSPENDED 0x1u
#define LIFE_NO_DEBUG_INHERIT 0x2u
#define LIFE_INHERIT_HANDLES 0x4u
#define LIFE_NO_PARAMETERS 0x8u /**< no parameter block: the creator writes it */

/** A process to make. Strings are UTF-8; the parameter block is made from them. */
struct life_process_request {
  SECTION *section;          /**< image */
  EPROCESS *parent;
  const char *image_path;    /**< DOS path, C:\app\x.exe */
  const char *command_line;
  const char *current_directory; /**< DOS path ending in a backslash */
  const char *environment;   /**< NAME=VALUE strings, each NUL-terminated, ended by an empty one */
  void *standard_files[3];   /**< File objects that the new process gets as standard handles; NULL: none */
  const void *parameters;    /**< if set: normalised RTL_USER_PROCESS_PARAMETERS whose pointers are offsets from its
                                  start; replaces the strings */
  size_t parameters_size;
  struct _DEBUG_OBJECT *debug_object; /**< or NULL */
  ULONG flags;               /**< LIFE_* */
  const HANDLE *inherited;   /**< if set, with LIFE_INHERIT_HANDLES: only these of the parent's handles */
  size_t inherited_count;
};

/** Makes a process without a thread: image, ntdll, PEB, parameter block, debug port. It comes referenced; nothing else
 *  keeps it until it has a thread.
 *  @return STATUS_SECTION_NOT_IMAGE; STATUS_PROCESS_IS_TERMINATING: no handles to inherit; the statuses of
 *  PspAllocateProcess, ob_inherit_listed, MmMapViewOfSection */
NTSTATUS PspCreateProcess(const struct life_process_request *request, EPROCESS **Process);

/** Makes a process and its first thread (ready, or suspended). Both come referenced. */
NTSTATUS PspCreateUserProcess(const struct life_process_request *request, EPROCESS **Process, ETHREAD **Thread);

#define THREAD_CREATE_FLAGS_CREATE_SUSPENDED 0x1u
#define THREAD_CREATE_FLAGS_SKIP_THREAD_ATTACH 0x2u
#define THREAD_CREATE_FLAGS_HIDE_FROM_DEBUGGER 0x4u

/** Makes a thread that calls StartRoutine(Argument) from RtlUserThreadStart; it comes referenced.
 *  Sizes 0: the image's. */
NTSTATUS PspCreateUserThread(EPROCESS *Process, ULONG64 StartRoutine, ULONG64 Argument, ULONG CreateFlags,
                             ULONG64 StackCommit, ULONG64 StackReserve, ETHREAD **Thread);

/** INITIAL_TEB: a user stack that the thread's creator made. */
typedef struct _INITIAL_TEB64 {
  ULONG64 OldStackBase, OldStackLimit; /**< not both 0: they count, and there is no allocation base */
  ULONG64 StackBase, StackLimit, StackAllocationBase;
} INITIAL_TEB64;
C_ASSERT_SIZE(INITIAL_TEB64, 0x28);

/** Makes a thread that goes on at a caller's CONTEXT, on a caller's stack, which is never freed; it comes referenced.
 *  Of the context the debug registers are not taken. STATUS_ACCESS_DENIED, the statuses of PspAllocateThread. */
NTSTATUS PspCreateThread(EPROCESS *Process, const CONTEXT *ThreadContext, const INITIAL_TEB64 *InitialTeb,
                         ULONG CreateFlags, ETHREAD **Thread);
/** Fills a new pool block with a normalised parameter block for a request; pointers are offsets from its start. */
NTSTATUS life_build_parameters(const struct life_process_request *request, const HANDLE standard_handles[3],
                               void **block, size_t *size);
/** Makes a thread of host code in a native process: fn runs on a fiber, its return ends the thread. */
NTSTATUS PsCreateNativeThread(EPROCESS *Process, void (*fn)(void *argument), void *argument, ETHREAD **Thread);
/** Makes a process that has no user memory and runs no user code: its threads are host code, but for all others it is a
 *  process like any. It comes referenced, without a thread.
 *  @param Section  stands for its image; referenced by the process */
NTSTATUS PsCreateMinimalProcess(EPROCESS *Parent, const char *image_file_name, SECTION *Section, EPROCESS **Process);
/** Makes a thread of a minimal process: it tells of its start like a user thread, then fn(argument) takes the place of
 *  user code. It comes referenced. CreateFlags as for PspCreateUserThread. */
NTSTATUS life_create_minimal_thread(EPROCESS *Process, void (*fn)(void *argument), void *argument, ULONG CreateFlags,
                                    ETHREAD **Thread);
/** What happens between the kernel and user code, for the running thread of a minimal process, after each service: its
 *  exit (it does not return then), suspension and freeze. */
void life_return_to_user_mode(void);
/** Ends the running thread for good (spec/3.6). */
_Noreturn void PspExitThread(NTSTATUS ExitStatus);

#endif
