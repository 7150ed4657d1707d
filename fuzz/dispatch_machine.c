/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lies below the debug subsystem: gates, model-specific registers, monitors, Pico processes, kernel debugger. */
#include "dispatch.h"

#include "ntos/kd/kd.h"
#include "ntos/trap/trap.h"

#include <dbgksim/monitor.h>
#include <string.h>

/* ---- gates ---- */

/** Vectors that inputs name by a byte below; other bytes are themselves. */
static const uint8_t vectors[] = {0,  1,  2,  3,  4,  5,  6,  7,    8,    10,   11,
                                  12, 13, 14, 16, 17, 18, 19, 0x2C, 0x2D, 0x2E, 0x29};

static unsigned read_vector(struct fuzz_input *in)
{
  uint8_t byte = fuzz_byte(in);
  return byte < sizeof vectors ? vectors[byte] : byte;
}

static void edit_gate(struct fuzz_input *in, struct dbgksim_gate *gate, unsigned how)
{
  struct dbgksim_gate other;
  switch (how % 8) {
  case 0:
    gate->present = !gate->present;
    break;
  case 1:
    gate->dpl = fuzz_byte(in) & 3;
    break;
  case 2:
    gate->ist = fuzz_byte(in) & 7;
    break;
  case 3:
    gate->type = fuzz_byte(in) & 15;
    break;
  case 4:
    gate->selector = (uint16_t)fuzz_number(in, 2);
    break;
  case 5:
    if (dbgksim_get_gate(fuzz_machine(), read_vector(in), &other) == DBGKSIM_OK)
      gate->offset = other.offset;
    break;
  case 6:
    gate->offset = dispatch_value(in);
    break;
  default:
    gate->dpl = 3;
    gate->ist = fuzz_byte(in) & 7;
    gate->offset += fuzz_byte(in);
  }
}

void dispatch_change_gate(struct fuzz_input *in)
{
  const unsigned how = fuzz_byte(in), vector = read_vector(in);
  struct dbgksim_gate gate;
  dispatch_leave_machine();
  if (how % 9 == 8)
    (void)dbgksim_set_idt_limit(fuzz_machine(), (uint16_t)(vector * 16 + (how >> 4)));
  else if (dbgksim_get_gate(fuzz_machine(), vector, &gate) == DBGKSIM_OK) {
    edit_gate(in, &gate, how % 9);
    enum dbgksim_status status = dbgksim_set_gate(fuzz_machine(), vector, &gate);
    FUZZ_CHECK(status == DBGKSIM_OK, "a gate is not written: %s", dbgksim_message(fuzz_machine()));
  }
  dispatch_enter_machine();
  dispatch.allowed |= DISPATCH_MAY_BUGCHECK;
  dispatch_keep_idt();
}

/* ---- LSTAR ---- */

#define MSR_LSTAR 0xC0000082u

void dispatch_write_msr(struct fuzz_input *in)
{
  static const uint32_t registers[] = {MSR_LSTAR,  MSR_LSTAR,  0xC0000081, 0xC0000083, 0xC0000084,
                                       0xC0000080, 0xC0000100, 0xC0000102, 0x176,      0x10};
  const uint32_t msr = registers[fuzz_byte(in) % (sizeof registers / sizeof registers[0])];
  const uint64_t value = dispatch_value(in);
  dispatch_leave_machine();
  (void)dbgksim_write_msr(fuzz_machine(), msr, value);
  dispatch_enter_machine();
  dispatch.allowed |= DISPATCH_MAY_LOSE_ENTRY;
}

void dispatch_repair_lstar(void)
{
  uint64_t now;
  dispatch_leave_machine();
  if (!dispatch.lstar)
    (void)dbgksim_read_msr(fuzz_machine(), MSR_LSTAR, &dispatch.lstar);
  else if (dbgksim_read_msr(fuzz_machine(), MSR_LSTAR, &now) == DBGKSIM_OK && now != dispatch.lstar)
    (void)dbgksim_write_msr(fuzz_machine(), MSR_LSTAR, dispatch.lstar);
  dispatch_enter_machine();
}

/* Writes each argument as text, as strace does. */
static void on_call(void *context, const struct dbgksim_service_call *call)
{
  static char text[DBGKSIM_SERVICE_TEXT];
  (void)context;
  for (unsigned i = 0; i < call->argument_count; i++)
    (void)dbgksim_service_argument(call, i, text, sizeof text);
}

void dispatch_change_monitor(struct fuzz_input *in)
{
  (void)in;
  dispatch_leave_machine();
  if (dispatch.monitor) {
    dbgksim_monitor_remove(dispatch.monitor);
    dispatch.monitor = NULL;
  } else {
    (void)dbgksim_monitor_services(fuzz_machine(), on_call, NULL, &dispatch.monitor);
  }
  dispatch_enter_machine();
}

/* ---- Pico processes ---- */

/* Asks the input: handled or not, and what of the frame it changes. Only exceptions of a Pico process come here, and
 * the process's threads run while the host's thread waits. */
static BOOLEAN pico_exception(EXCEPTION_RECORD64 *ExceptionRecord, KEXCEPTION_FRAME *ExceptionFrame,
                              KTRAP_FRAME *TrapFrame, ULONG Phase, KPROCESSOR_MODE PreviousMode)
{
  (void)ExceptionRecord, (void)ExceptionFrame, (void)Phase, (void)PreviousMode;
  const uint8_t how = dispatch.in ? fuzz_byte(dispatch.in) : 0;
  if (how & 1)
    TrapFrame->Rip = FUZZ_PAGES + (how >> 3);
  if (how & 2)
    TrapFrame->Rip++;
  return (how & 7) != 0;
}

void dispatch_register_pico(void)
{
  static const PS_PICO_PROVIDER_ROUTINES routines = {.DispatchException = pico_exception};
  (void)PsRegisterPicoProvider(&routines);
}

void dispatch_change_pico(struct fuzz_input *in)
{
  static char provider;
  const uint8_t flags = fuzz_byte(in);
  dispatch.process->PicoContext = flags & 1 ? &provider : NULL;
  if (flags & 2)
    dispatch.process->Flags3 ^= PS_PROCESS_FLAGS3_MINIMAL;
  if (flags & 4)
    dispatch.process->WoW64Process = !dispatch.process->WoW64Process;
}

/* ---- kernel debugger ---- */

void dispatch_use_kernel_debugger(bool ignores_user_exceptions, bool stops_on_exception)
{
  const struct kd_config config = {
      .enabled = true, .ignore_user_exceptions = ignores_user_exceptions, .stop_on_exception = stops_on_exception};
  ExFreePool(KeGetPcr()->kd);
  FUZZ_CHECK(KdInitSystem(&config), "no kernel debugger");
}

bool dispatch_answer_kernel_debugger(struct fuzz_input *in)
{
  static char reply[256];
  const struct dbgksim_kd_event *event = kd_pending();
  if (!event)
    return false;
  const uint8_t how = fuzz_byte(in);
  CONTEXT context = event->context;
  struct dbgksim_kd_answer answer = {.status = how & 1 ? DBG_CONTINUE : DBG_EXCEPTION_NOT_HANDLED,
                                     .break_in = (how & 2) != 0};
  if (how & 4)
    context.Rip++;
  if (how & 8)
    dispatch_registers(in, &context);
  if (how & 12)
    answer.context = &context;
  if (how & 16) {
    memset(reply, 'y', how);
    reply[how] = 0;
    answer.reply = reply;
  }
  kd_answer(&answer);
  return true;
}
