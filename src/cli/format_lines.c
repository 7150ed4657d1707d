/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stable format: the lines of a small Win32 debugger that prints one per event (docs/trace-formats.md). It names
 * addresses by file and offset, ids by order of appearance, and nothing that differs from run to run. */
#include "cli/view.h"

#include <string.h>

static const char *place(const struct view_process *process, uint64_t address, char out[128])
{
  for (size_t i = 0; i < process->module_count; i++) {
    const struct view_module *module = &process->modules[i];
    if (address >= module->base && address < module->base + module->size) {
      snprintf(out, 128, "%s+0x%llx", module->name, (unsigned long long)(address - module->base));
      return out;
    }
  }
  if (address < 0x10000 || address > 0xFFFFFFFFFFFF0000ull)
    snprintf(out, 128, "0x%llx", (unsigned long long)address);
  else
    strcpy(out, "<mem>");
  return out;
}

/* lpImageName: null, unreadable, leading to null or nowhere, or the text in quotes. */
static const char *image_name(struct view *view, const struct dbgksim_event *event, char out[304])
{
  dbgksim_machine *machine = view->session->machine;
  uint64_t address = 0;
  uint16_t wide[260] = {0};
  char text[520];
  if (!event->image_name)
    return "null";
  if (dbgksim_read_memory(machine, event->pid, event->image_name, &address, sizeof address, NULL) != DBGKSIM_OK)
    return "unreadable";
  if (!address)
    return "->null";
  /* All of 500 bytes must be readable, as for the debugger whose lines these are. */
  if (dbgksim_read_memory(machine, event->pid, address, wide, 500, NULL) != DBGKSIM_OK)
    return "->unreadable";
  view_utf8(wide, 250, text, sizeof text);
  snprintf(out, 300, "\"%.297s\"", text);
  return out;
}

static void print_exception(struct view *view, const struct view_event *e)
{
  const EXCEPTION_RECORD64 *record = &e->event->exception;
  char at[128], rip[128], parameter[128];
  fprintf(view->out, "EXCEPTION 0x%08x first=%d flags=0x%x at %s rip=%s%s efl.TF=%d dr6=0x%llx np=%u",
          (unsigned)record->ExceptionCode, e->event->first_chance, record->ExceptionFlags,
          place(e->process, record->ExceptionAddress, at), place(e->process, e->context.Rip, rip),
          e->context.Rip == record->ExceptionAddress ? " (=)" : "", (int)(e->context.EFlags >> 8) & 1,
          (unsigned long long)e->context.Dr6, record->NumberParameters);
  for (ULONG i = 0; i < record->NumberParameters && i < EXCEPTION_MAXIMUM_PARAMETERS; i++)
    fprintf(view->out, " %s", place(e->process, record->ExceptionInformation[i], parameter));
  fprintf(view->out, "%s -> %s\n", e->initial ? " [initial]" : "",
          e->answer == DBG_CONTINUE ? "CONTINUE" : "NOT_HANDLED");
}

static void print_string(struct view *view, const struct dbgksim_event *event)
{
  char text[1024];
  struct dbgksim_event part = *event;
  /* The debugger reads 500 bytes, or 249 wide characters. */
  if (part.string_length > 500)
    part.string_length = 500;
  view_string(view, &part, text, sizeof text);
  fprintf(view->out, "OUTPUT_STRING %s len=%u \"%s\"\n", event->unicode ? "W" : "A", event->string_length, text);
}

static void show(struct view *view, const struct view_event *e)
{
  const struct dbgksim_event *event = e->event;
  char a[128], name[304];
  fprintf(view->out, "p%zu t%zu ", e->process_index, e->thread_index);
  switch (event->code) {
  case DBGKSIM_CREATE_PROCESS: {
    const DBGUI_CREATE_PROCESS *info = &event->state.StateInfo.CreateProcessInfo;
    fprintf(view->out, "CREATE_PROCESS %s base=0x%llx start=%s dbgoff=%u dbgsize=%u teb=%s name=%s uni=%d hT=%d\n",
            e->file, (unsigned long long)event->base, place(e->process, event->start_address, a),
            info->NewProcess.DebugInfoFileOffset, info->NewProcess.DebugInfoSize, event->teb ? "nz" : "0",
            image_name(view, event, name), event->unicode, info->HandleToThread != 0);
    break;
  }
  case DBGKSIM_CREATE_THREAD:
    fprintf(view->out, "CREATE_THREAD start=%s teb=%s\n", place(e->process, event->start_address, a),
            event->teb ? "nz" : "0");
    break;
  case DBGKSIM_EXIT_THREAD:
    fprintf(view->out, "EXIT_THREAD code=0x%x\n", event->exit_code);
    break;
  case DBGKSIM_EXIT_PROCESS:
    fprintf(view->out, "EXIT_PROCESS code=0x%x\n", event->exit_code);
    break;
  case DBGKSIM_LOAD_DLL:
    fprintf(view->out, "LOAD_DLL %s dbgoff=%u dbgsize=%u name=%s uni=%d\n", e->file,
            event->state.StateInfo.LoadDll.DebugInfoFileOffset, event->state.StateInfo.LoadDll.DebugInfoSize,
            image_name(view, event, name), event->unicode);
    break;
  case DBGKSIM_UNLOAD_DLL:
    fprintf(view->out, "UNLOAD_DLL %s\n", place(e->process, event->base, a));
    break;
  case DBGKSIM_OUTPUT_DEBUG_STRING:
    print_string(view, event);
    break;
  case DBGKSIM_EXCEPTION:
    print_exception(view, e);
    break;
  case DBGKSIM_RIP:
    fprintf(view->out, "RIP err=%u type=%u\n", event->rip_error, event->rip_type);
    break;
  default:
    fprintf(view->out, "UNKNOWN %d\n", (int)event->code);
  }
}

static void act(struct view *view, enum view_act what, uint32_t pid, uint32_t exit_code)
{
  (void)pid;
  if (what == VIEW_ATTACHED)
    fputs("# DebugActiveProcess ok\n", view->out);
  else if (what == VIEW_DETACHED)
    fputs("# DebugActiveProcessStop ok\n", view->out);
  else
    fprintf(view->out, "# target exit=0x%x\n", exit_code);
}

const struct format format_lines = {.event = show, .kd = kd_lines, .act = act};
