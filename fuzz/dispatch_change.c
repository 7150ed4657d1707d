/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an input can change before the program runs and at each event of it: 1 byte what, then what that takes. */
#include "dispatch.h"

#include "ntos/svc/svc_process.h"

#include <string.h>

#define PROCESS_INSTRUMENTATION_CALLBACK_CLASS 0x28u
#define THREAD_HIDE_FROM_DEBUGGER_CLASS 0x11u

static void set_instrumentation(struct fuzz_input *in)
{
  const struct {
    ULONG Version, Reserved;
    ULONG64 Callback;
  } information = {0, 0, dispatch_value(in)};
  NtSetInformationProcess(dispatch.process_handle, PROCESS_INSTRUMENTATION_CALLBACK_CLASS, AT(&information),
                          sizeof information);
}

/* All four addresses, DR6 and each bit of DR7. */
static void set_debug_registers(struct fuzz_input *in, HANDLE thread)
{
  CONTEXT context = {.ContextFlags = CONTEXT_DEBUG_REGISTERS};
  for (unsigned i = 0; i < 4; i++)
    (&context.Dr0)[i] = dispatch_value(in);
  context.Dr6 = fuzz_number(in, 4);
  context.Dr7 = fuzz_number(in, 4);
  NtSetContextThread(thread, AT(&context));
}

static void set_flags(struct fuzz_input *in, HANDLE thread)
{
  CONTEXT context = {.ContextFlags = CONTEXT_CONTROL};
  if (NtGetContextThread(thread, AT(&context)) != STATUS_SUCCESS)
    return;
  context.EFlags = (ULONG)fuzz_number(in, 4);
  NtSetContextThread(thread, AT(&context));
}

static void set_registers(struct fuzz_input *in, HANDLE thread)
{
  CONTEXT context = {.ContextFlags = CONTEXT_ALL};
  if (NtGetContextThread(thread, AT(&context)) != STATUS_SUCCESS)
    return;
  dispatch_registers(in, &context);
  NtSetContextThread(thread, AT(&context));
}

static void queue_apc(struct fuzz_input *in, HANDLE thread)
{
  const ULONG64 routine = dispatch_value(in);
  for (unsigned n = 1 + fuzz_byte(in) % 3; n; n--)
    NtQueueApcThread(thread, routine, n, FUZZ_CONTEXT, 0);
}

/* What the program's own handler does (fuzz_guest.c). */
static void set_handler(struct fuzz_input *in)
{
  struct {
    ULONG64 target;
    LONG64 disposition;
    ULONG64 touched;
    ULONG64 changes;
    struct {
      USHORT offset, value;
    } change[8];
  } control = {0};
  const uint8_t how = fuzz_byte(in);
  if (how & 1)
    control.target = FUZZ_PAGES + fuzz_number(in, 1);
  control.disposition = (int8_t)fuzz_byte(in);
  if (how & 2)
    control.touched = dispatch_value(in);
  control.changes = how >> 4 & 7;
  fuzz_bytes(in, control.change, control.changes * sizeof control.change[0]);
  dispatch_put(FUZZ_CONTROL, &control, sizeof control);
}

/* StackBase, StackLimit, ExceptionList, DeallocationStack, or any other field of the TEB. */
static void set_teb(struct fuzz_input *in, HANDLE thread)
{
  static const USHORT fields[] = {0, 8, 0x10, 0x1478, 0x2C0, 0x16B0, 0x60, 0x30};
  const uint8_t which = fuzz_byte(in);
  const ULONG offset = which < 0x80 ? fields[which % (sizeof fields / sizeof fields[0])] : (which & 0x7F) * 8u;
  const ULONG64 value = dispatch_value(in);
  void *body;
  if (!NT_SUCCESS(ObReferenceObjectByHandle(thread, 0, ob_types()->Thread, KernelMode, &body, NULL)))
    return;
  dispatch_put(((ETHREAD *)body)->Tcb.Teb + offset, &value, sizeof value);
  ObDereferenceObject(body);
}

static void set_process_flags(struct fuzz_input *in)
{
  static const ULONG classes[] = {0xC, 0x1F, 0x22, 0x12};
  const ULONG class = classes[fuzz_byte(in) % (sizeof classes / sizeof classes[0])];
  const ULONG number = (ULONG)fuzz_number(in, 1);
  NtSetInformationProcess(dispatch.process_handle, class, AT(&number), sizeof number);
}

void dispatch_change(struct fuzz_input *in, HANDLE thread)
{
  switch (fuzz_byte(in) % 19) {
  case 0:
    dispatch_change_gate(in);
    break;
  case 1:
    dispatch_write_msr(in);
    break;
  case 2:
    dispatch_change_monitor(in);
    break;
  case 3:
    set_instrumentation(in);
    break;
  case 4:
    dispatch_change_pico(in);
    break;
  case 5:
    dispatch_change_port(in);
    break;
  case 6:
    dispatch_call_service(in, thread);
    break;
  case 7:
    dispatch_set_stack(in, thread);
    break;
  case 8:
    set_debug_registers(in, thread);
    break;
  case 9:
    set_flags(in, thread);
    break;
  case 10:
    set_registers(in, thread);
    break;
  case 11:
    queue_apc(in, thread);
    break;
  case 12:
    NtAlertThread(thread);
    break;
  case 13:
    set_handler(in);
    break;
  case 14:
    set_teb(in, thread);
    break;
  case 15:
    NtSetInformationThread(thread, THREAD_HIDE_FROM_DEBUGGER_CLASS, 0, 0);
    break;
  case 16:
    set_process_flags(in);
    break;
  case 17:
    dispatch.leaves = true;
    break;
  default:
    dispatch_write_memory(in);
  }
}

void dispatch_undo_changes(void)
{
  if (dispatch.monitor)
    dispatch_change_monitor(NULL);
  if (dispatch.allowed & DISPATCH_MAY_LOSE_ENTRY)
    dispatch_repair_lstar();
}
