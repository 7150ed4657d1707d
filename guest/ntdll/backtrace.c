/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Return addresses of the running thread's frames. */
#include "ntdllp.h"

/* One frame up. FALSE: no further. */
static BOOLEAN step(CONTEXT *at)
{
  ULONG64 base, frame;
  PVOID data;
  if (!RtlpIsFrameInBounds(at->Rsp))
    return FALSE;
  PRUNTIME_FUNCTION entry = RtlLookupFunctionEntry(at->Rip, &base, NULL);
  if (entry) {
    RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, at->Rip, entry, at, &data, &frame, NULL);
  } else {
    at->Rip = *(ULONG64 *)at->Rsp;
    at->Rsp += 8;
  }
  return at->Rip != 0;
}

__attribute__((noinline)) USHORT NTAPI RtlCaptureStackBackTrace(ULONG FramesToSkip, ULONG FramesToCapture,
                                                                PVOID *BackTrace, ULONG *BackTraceHash)
{
  CONTEXT at;
  ULONG hash = 0;
  USHORT count = 0;
  RtlCaptureContext(&at);
  /* The first step leaves this routine. */
  for (ULONG i = 0; step(&at) && count < FramesToCapture && count < 0xFFFF; i++) {
    if (i < FramesToSkip)
      continue;
    BackTrace[count++] = (PVOID)at.Rip;
    hash += (ULONG)at.Rip;
  }
  if (BackTraceHash)
    *BackTraceHash = hash;
  return count;
}
