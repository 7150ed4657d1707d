/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file frames.h  KTRAP_FRAME and KEXCEPTION_FRAME (spec/1.2, 1.3): they lie in the kernel arena, at RSP0. */
#ifndef NTOS_INC_FRAMES_H
#define NTOS_INC_FRAMES_H

#include <dbgksim/nttypes.h>

/** KTRAP_FRAME.ExceptionActive (spec/2.5). */
enum { TRAP_INTERRUPT = 0, TRAP_EXCEPTION = 1, TRAP_SERVICE = 2 };

typedef struct _KTRAP_FRAME {
  ULONG64 P1Home, P2Home, P3Home, P4Home, P5;
  UCHAR PreviousMode;
  UCHAR PreviousIrql;
  UCHAR FaultIndicator;
  UCHAR ExceptionActive;
  ULONG MxCsr;
  ULONG64 Rax, Rcx, Rdx, R8, R9, R10, R11;
  ULONG64 GsBase;
  M128A Xmm0, Xmm1, Xmm2, Xmm3, Xmm4, Xmm5;
  ULONG64 FaultAddress;
  ULONG64 Dr0, Dr1, Dr2, Dr3, Dr6, Dr7;
  ULONG64 DebugControl;
  ULONG64 LastBranchToRip, LastBranchFromRip, LastExceptionToRip, LastExceptionFromRip;
  USHORT SegDs, SegEs, SegFs, SegGs;
  ULONG64 TrapFrame;
  ULONG64 Rbx, Rdi, Rsi, Rbp;
  ULONG64 ErrorCode;
  ULONG64 Rip;
  USHORT SegCs, Fill0[3];
  ULONG EFlags, Fill1;
  ULONG64 Rsp;
  USHORT SegSs, Fill2[3];
} KTRAP_FRAME;
C_ASSERT_SIZE(KTRAP_FRAME, 0x190);
C_ASSERT_OFFSET(KTRAP_FRAME, PreviousMode, 0x28);
C_ASSERT_OFFSET(KTRAP_FRAME, ExceptionActive, 0x2B);
C_ASSERT_OFFSET(KTRAP_FRAME, Rax, 0x30);
C_ASSERT_OFFSET(KTRAP_FRAME, GsBase, 0x68);
C_ASSERT_OFFSET(KTRAP_FRAME, Xmm0, 0x70);
C_ASSERT_OFFSET(KTRAP_FRAME, FaultAddress, 0xD0);
C_ASSERT_OFFSET(KTRAP_FRAME, Dr0, 0xD8);
C_ASSERT_OFFSET(KTRAP_FRAME, Dr7, 0x100);
C_ASSERT_OFFSET(KTRAP_FRAME, SegDs, 0x130);
C_ASSERT_OFFSET(KTRAP_FRAME, TrapFrame, 0x138);
C_ASSERT_OFFSET(KTRAP_FRAME, Rbx, 0x140);
C_ASSERT_OFFSET(KTRAP_FRAME, Rbp, 0x158);
C_ASSERT_OFFSET(KTRAP_FRAME, ErrorCode, 0x160);
C_ASSERT_OFFSET(KTRAP_FRAME, Rip, 0x168);
C_ASSERT_OFFSET(KTRAP_FRAME, SegCs, 0x170);
C_ASSERT_OFFSET(KTRAP_FRAME, EFlags, 0x178);
C_ASSERT_OFFSET(KTRAP_FRAME, Rsp, 0x180);
C_ASSERT_OFFSET(KTRAP_FRAME, SegSs, 0x188);

typedef struct _KEXCEPTION_FRAME {
  ULONG64 P1Home, P2Home, P3Home, P4Home, P5;
  ULONG64 Spare1;
  M128A Xmm6, Xmm7, Xmm8, Xmm9, Xmm10, Xmm11, Xmm12, Xmm13, Xmm14, Xmm15;
  ULONG64 TrapFrame;
  ULONG64 OutputBuffer, OutputLength, Spare;
  ULONG64 MxCsr;
  ULONG64 Rbp, Rbx, Rdi, Rsi, R12, R13, R14, R15;
  ULONG64 Return;
} KEXCEPTION_FRAME;
C_ASSERT_SIZE(KEXCEPTION_FRAME, 0x140);
C_ASSERT_OFFSET(KEXCEPTION_FRAME, Xmm6, 0x30);
C_ASSERT_OFFSET(KEXCEPTION_FRAME, TrapFrame, 0xD0);
C_ASSERT_OFFSET(KEXCEPTION_FRAME, Rbp, 0xF8);
C_ASSERT_OFFSET(KEXCEPTION_FRAME, R12, 0x118);
C_ASSERT_OFFSET(KEXCEPTION_FRAME, Return, 0x138);

/** What a handler decides. */
typedef enum _EXCEPTION_DISPOSITION {
  ExceptionContinueExecution,
  ExceptionContinueSearch,
  ExceptionNestedException,
  ExceptionCollidedUnwind
} EXCEPTION_DISPOSITION;

/** A handler of kernel code. On x64 these are tables that the unwinder walks; kernel code is C here, so they are
 *  registered, as on x86: a chain for each thread, innermost first (KTHREAD.ExceptionList). There is no unwinding: a
 *  handler continues, with the context as it leaves it, or passes. */
typedef struct _EXCEPTION_REGISTRATION_RECORD {
  struct _EXCEPTION_REGISTRATION_RECORD *Next;
  EXCEPTION_DISPOSITION (*Handler)(EXCEPTION_RECORD64 *ExceptionRecord,
                                   struct _EXCEPTION_REGISTRATION_RECORD *EstablisherFrame, CONTEXT *ContextRecord);
} EXCEPTION_REGISTRATION_RECORD;

#endif
