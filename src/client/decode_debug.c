/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DBGUI_WAIT_STATE_CHANGE as text. */
#include "client/decode.h"

static const char *const state_names[] = {
    [DbgIdle] = "DbgIdle",
    [DbgReplyPending] = "DbgReplyPending",
    [DbgCreateThreadStateChange] = "DbgCreateThreadStateChange",
    [DbgCreateProcessStateChange] = "DbgCreateProcessStateChange",
    [DbgExitThreadStateChange] = "DbgExitThreadStateChange",
    [DbgExitProcessStateChange] = "DbgExitProcessStateChange",
    [DbgExceptionStateChange] = "DbgExceptionStateChange",
    [DbgBreakpointStateChange] = "DbgBreakpointStateChange",
    [DbgSingleStepStateChange] = "DbgSingleStepStateChange",
    [DbgLoadDllStateChange] = "DbgLoadDllStateChange",
    [DbgUnloadDllStateChange] = "DbgUnloadDllStateChange",
};

static void put_exception(struct decode_text *text, const DBGKM_EXCEPTION *e)
{
  decode_put(text, ", ");
  decode_status(text, (ULONG)e->ExceptionRecord.ExceptionCode);
  decode_format(text, " at 0x%llx, %s chance", (unsigned long long)e->ExceptionRecord.ExceptionAddress,
                e->FirstChance ? "first" : "second");
}

void decode_state_change(struct decode_text *text, const DBGUI_WAIT_STATE_CHANGE *state)
{
  const ULONG kinds = sizeof state_names / sizeof state_names[0];
  if (state->NewState < kinds)
    decode_format(text, "{%s", state_names[state->NewState]);
  else
    decode_format(text, "{%u", state->NewState);
  decode_format(text, ", %u:%u", (unsigned)state->AppClientId.UniqueProcess, (unsigned)state->AppClientId.UniqueThread);
  switch (state->NewState) {
  case DbgCreateThreadStateChange:
    decode_format(text, ", thread 0x%llx, start 0x%llx", (unsigned long long)state->StateInfo.CreateThread.HandleToThread,
                  (unsigned long long)state->StateInfo.CreateThread.NewThread.StartAddress);
    break;
  case DbgCreateProcessStateChange:
    decode_format(text, ", process 0x%llx, thread 0x%llx, file 0x%llx, base 0x%llx",
                  (unsigned long long)state->StateInfo.CreateProcessInfo.HandleToProcess,
                  (unsigned long long)state->StateInfo.CreateProcessInfo.HandleToThread,
                  (unsigned long long)state->StateInfo.CreateProcessInfo.NewProcess.FileHandle,
                  (unsigned long long)state->StateInfo.CreateProcessInfo.NewProcess.BaseOfImage);
    break;
  case DbgExitThreadStateChange:
    decode_put(text, ", exit status ");
    decode_status(text, (ULONG)state->StateInfo.ExitThread.ExitStatus);
    break;
  case DbgExitProcessStateChange:
    decode_put(text, ", exit status ");
    decode_status(text, (ULONG)state->StateInfo.ExitProcess.ExitStatus);
    break;
  case DbgExceptionStateChange:
  case DbgBreakpointStateChange:
  case DbgSingleStepStateChange:
    put_exception(text, &state->StateInfo.Exception);
    break;
  case DbgLoadDllStateChange:
    decode_format(text, ", file 0x%llx, base 0x%llx", (unsigned long long)state->StateInfo.LoadDll.FileHandle,
                  (unsigned long long)state->StateInfo.LoadDll.BaseOfDll);
    break;
  case DbgUnloadDllStateChange:
    decode_format(text, ", base 0x%llx", (unsigned long long)state->StateInfo.UnloadDll.BaseAddress);
    break;
  default:
    break;
  }
  decode_put(text, "}");
}
