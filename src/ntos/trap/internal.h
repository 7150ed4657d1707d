/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file internal.h  State of trap and what its files share. */
#ifndef NTOS_TRAP_INTERNAL_H
#define NTOS_TRAP_INTERNAL_H

#include "emu/emu.h"
#include "ntos/ke/ke.h"
#include "ntos/ke/trace.h"
#include "ntos/mm/mm.h"
#include "ntos/trap/trap.h"

/* The kernel arena, behind emu's part. */
#define KI_IDT_ADDRESS EMU_IDT_ADDRESS
#define KI_TSS_ADDRESS EMU_TSS_ADDRESS
#define KI_HANDLERS_ADDRESS EMU_KERNEL_FIRST_FREE /**< one address per kernel routine that can be entered */
#define KI_HANDLER_SIZE 16u
#define KI_IST_STACKS (EMU_KERNEL_FIRST_FREE + 0x4000)
#define KI_IST_STACK_SIZE 0x1000u
#define KI_SLOTS_ADDRESS (EMU_KERNEL_FIRST_FREE + 0x10000) /**< kernel stack slots of the threads */
#define KI_SLOT_SIZE 0x1000u

/** Gate of the interrupt descriptor table (spec/1.1). */
typedef struct _KIDTENTRY64 {
  USHORT OffsetLow;
  USHORT Selector;
  UCHAR IstIndex; /**< bits 2:0 */
  UCHAR TypeDplPresent; /**< type 3:0, DPL 6:5, present 7 */
  USHORT OffsetMiddle;
  ULONG OffsetHigh;
  ULONG Reserved;
} KIDTENTRY64;
C_ASSERT_SIZE(KIDTENTRY64, 16);
/** A KEXCEPTION_FRAME and the record lie below the trap frame: a call's return address, then rsp lowered by 0x1D8
 *  (spec/1.3). */
#define KI_EXCEPTION_FRAME_ROOM (8u + 0x1D8u)
#define KI_IDT_GATES 256u
#define KI_IDT_LIMIT 0xFFFu
/** Traps of kernel code inside of each other; more of them make no progress any more. */
#define KI_MAX_KERNEL_TRAPS 16u
#define IDT_INTERRUPT_GATE 0xEu
#define IDT_TRAP_GATE 0xFu

#define VECTOR_DEBUG 1u
#define VECTOR_INVALID_OPCODE 6u
#define VECTOR_DOUBLE_FAULT 8u
#define VECTOR_GENERAL_PROTECTION 13u
#define VECTOR_PAGE_FAULT 14u
/* Error code of #PF. */
#define PF_WRITE 0x2u
#define PF_FETCH 0x10u
#define EFLAGS_ALWAYS 0x2u

/* Codes that handlers hand to KiPreprocessFault; nobody else sees them. */
#define KI_EXCEPTION_GP_FAULT NT_STATUS_VALUE(0x10000001)
#define KI_EXCEPTION_INVALID_OP NT_STATUS_VALUE(0x10000002)
#define KI_EXCEPTION_INTEGER_DIVIDE_BY_ZERO NT_STATUS_VALUE(0x10000003)

typedef struct _KTSS64 {
  ULONG Reserved0;
  ULONG64 Rsp0, Rsp1, Rsp2;
  ULONG64 Ist[8]; /**< 1-7 are used */
  ULONG64 Reserved1;
  USHORT Reserved2, IoMapBase;
} __attribute__((packed)) KTSS64;
C_ASSERT_SIZE(KTSS64, 0x68);

/** A routine that an IDT gate can lead to. */
struct ki_handler {
  const char *name;
  void (*routine)(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame);
};

struct service_description;
struct ki_monitor;

/** What a service number stands for. */
struct bound_service {
  const struct svc_entry *service; /**< NULL: not implemented */
  char *name;                      /**< pool; NULL: the number is not bound */
  const struct service_description *description; /**< of its arguments; valid once looked up */
  bool looked_up;
  bool reported;                   /**< missing, and the log has named it */
};
/** Numbers of one table of bound services: they come in a few dense ranges. */
#define TRAP_BOUND_SERVICES 64u

struct trap_state {
  struct user_entry_points user;
  const struct svc_entry **services; /**< every registered service */
  size_t service_count, service_capacity;
  bool services_sorted;
  struct bound_service *bound[TRAP_MAX_SERVICES / TRAP_BOUND_SERVICES]; /**< pool; NULL: none of these numbers */
  USHORT idt_limit;
  ULONG64 lstar, cstar, star, sfmask, sysenter_eip;
  struct ki_monitor *monitors; /**< pool; KI_MAX_MONITORS; NULL before the first */
  ULONG64 installations, monitored_calls;
  PKDEBUG_ROUTINE KiDebugRoutine;
  BOOLEAN KdIgnoreUmExceptions;
  PS_PICO_PROVIDER_ROUTINES pico;
  ULONG64 next_slot;
  ULONG64 *free_slots; /**< returned slots, last in first out */
  size_t free_slot_count, free_slot_capacity;
  ULONG64 KeExceptionDispatchCount;
  enum ke_end_reason stopped;       /**< KE_BUGCHECK, KE_TRIPLE_FAULT: for good */
  struct dbgksim_bugcheck bugcheck; /**< of a triple fault: parameter 0 is the address */
  char stopped_image[16];           /**< of the process that was running */
  const KTHREAD *injected_thread;   /**< takes `injected` in place of running user code; NULL: none */
  struct cpu_trap injected;
};
static inline struct trap_state *trap_state(void) { return KeGetPcr()->trap; }

/** Fills the frames from the register file at a trap; what the processor pushed is there already. */
void ki_save_frames(KTHREAD *Thread, KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame, UCHAR ExceptionActive);
/** Loads the register file from the frames: the thread goes back to user mode. */
void ki_restore_frames(KTHREAD *Thread, const KTRAP_FRAME *TrapFrame, const KEXCEPTION_FRAME *ExceptionFrame);
/** Where the processor was when an event came: what it pushes. */
struct ki_origin {
  ULONG64 Rip, Rsp;
  ULONG EFlags;
  USHORT SegCs, SegSs;
};
/** Pushes a machine frame. */
void ki_push_machine_frame(KTRAP_FRAME *TrapFrame, const struct ki_origin *Origin, ULONG64 ErrorCode);
/** The user code that the register file is in. */
static inline struct ki_origin ki_user_origin(const KTHREAD *Thread)
{
  const cpu *c = Thread->cpu;
  return (struct ki_origin){c->rip, c->gpr[CPU_RSP], (ULONG)c->rflags, c->cs, c->ss};
}
/** Takes a trap of the processor through the IDT to its handler. */
void ki_take_interrupt(KTHREAD *Thread, const struct cpu_trap *trap);
/** What a gate's bits mean, without the name of its routine. */
void ki_decode_gate(const KIDTENTRY64 *entry, struct dbgksim_gate *gate);
/** Code segments of 32-bit code: selector 20, whatever its RPL. */
static inline bool ki_is_32_bit_code(ULONG SegCs) { return (SegCs & 0xFFF8) == 0x20; }
/** Where the stack of the current thread's kernel code is. */
ULONG64 ki_kernel_stack_pointer(void);
/** The machine stops for good: even the double fault could not be delivered. */
_Noreturn void ki_triple_fault(ULONG64 Rip);

/* ---- steps of KiDispatchException ---- */

/** Traces what a step decided. */
void ki_decided(const char *who, const char *what, NTSTATUS code, ULONG64 b, ULONG64 c);
/** KiPreprocessFault: turns internal codes into statuses. TRUE: resolved in *Context, no exception. */
BOOLEAN KiPreprocessFault(EXCEPTION_RECORD64 *ExceptionRecord, CONTEXT *Context, KPROCESSOR_MODE PreviousMode);
/** Calls the Pico provider of the current process, if it has one. TRUE: handled. */
BOOLEAN ki_pico_dispatch(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame, KTRAP_FRAME *TrapFrame,
                         ULONG Phase);
/** Calls KiDebugRoutine. */
BOOLEAN ki_call_debugger(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame, KTRAP_FRAME *TrapFrame,
                         CONTEXT *Context, KPROCESSOR_MODE PreviousMode, BOOLEAN SecondChance);
/** Step 5. FALSE: nobody handled it. */
BOOLEAN ki_dispatch_kernel(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame,
                           KTRAP_FRAME *TrapFrame, CONTEXT *Context, BOOLEAN FirstChance);
/** The end of step 7: leaves the frame at KiUserExceptionDispatcher. *UserFrame receives the lowest address of what is
 *  laid out on the user stack, also on failure. */
NTSTATUS ki_deliver_to_user_mode(const EXCEPTION_RECORD64 *ExceptionRecord, const CONTEXT *Context,
                                 KTRAP_FRAME *TrapFrame, ULONG64 *UserFrame);

/* ---- handlers of float.c ---- */

/** Vector 16. */
void KiFloatingErrorFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e);
/** Vector 19. */
void KiXmmException(KTRAP_FRAME *f, KEXCEPTION_FRAME *e);

/** Calls the service that rax names, on a frame that is filled, and puts its status there. */
void ki_system_service(KTRAP_FRAME *f);
/** The syscall instruction: goes where LSTAR leads, which is KiSystemCall64 unless a monitor has its place. */
void ki_system_call(KTHREAD *Thread);
/** The service entry of 64-bit code. */
void KiSystemCall64(KTHREAD *Thread);
/** Addresses of the service entries. */
#define KI_SYSTEM_CALL_64 ki_handler_address(256)
#define KI_SYSTEM_CALL_32 ki_handler_address(257)
#define KI_FAST_CALL_ENTRY ki_handler_address(258)
/** What is known of a service number: its name ("service 0x1234" if it has none), how many arguments it takes (4, those
 *  in registers, if that is not known), and what they are, or NULL. */
const struct service_description *ki_service_description(ULONG number, char *name, size_t size, UCHAR *arguments);
/** Delivers a pending user APC through KiUserApcDispatcher. */
void ki_deliver_user_apc(KTHREAD *Thread);
/** The routine at a kernel address, NULL if none. */
const struct ki_handler *ki_handler_at(ULONG64 address);
/** Address of a vector's handler. */
ULONG64 ki_handler_address(unsigned vector);
/** KiSetupForInstrumentationReturn. */
void KiSetupForInstrumentationReturn(KTRAP_FRAME *TrapFrame);
/** Builds record and dispatches (spec/1.3); parameters beyond `count` are ignored. */
void KiExceptionDispatch(KTRAP_FRAME *TrapFrame, KEXCEPTION_FRAME *ExceptionFrame, NTSTATUS code, ULONG64 address,
                         ULONG count, ULONG64 p0, ULONG64 p1, ULONG64 p2);
/** Address in the kernel arena of something that lies there. */
static inline ULONG64 ki_kernel_address(const void *host)
{
  const UCHAR *base = emu_kernel_host(KeGetPcr()->emu, EMU_KERNEL_BASE, 1);
  return EMU_KERNEL_BASE + (ULONG64)((const UCHAR *)host - base);
}
/** The fixed frames of a thread's slot. */
static inline KTRAP_FRAME *ki_frame_of(KTHREAD *Thread)
{
  return emu_kernel_host(KeGetPcr()->emu, Thread->InitialStack - sizeof(KTRAP_FRAME), sizeof(KTRAP_FRAME));
}

#endif
