/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *view_event_name(enum dbgksim_event_code code)
{
  static const char *const names[] = {
      [DBGKSIM_EXCEPTION] = "EXCEPTION",
      [DBGKSIM_CREATE_THREAD] = "CREATE_THREAD",
      [DBGKSIM_CREATE_PROCESS] = "CREATE_PROCESS",
      [DBGKSIM_EXIT_THREAD] = "EXIT_THREAD",
      [DBGKSIM_EXIT_PROCESS] = "EXIT_PROCESS",
      [DBGKSIM_LOAD_DLL] = "LOAD_DLL",
      [DBGKSIM_UNLOAD_DLL] = "UNLOAD_DLL",
      [DBGKSIM_OUTPUT_DEBUG_STRING] = "OUTPUT_DEBUG_STRING",
      [DBGKSIM_RIP] = "RIP",
  };
  return code >= DBGKSIM_EXCEPTION && code <= DBGKSIM_RIP ? names[code] : "UNKNOWN";
}

const char *view_status(NTSTATUS status, char number[16])
{
  const char *name = dbgksim_nt_status_name(status);
  if (name)
    return name;
  snprintf(number, 16, "0x%08x", (unsigned)status);
  return number;
}

const char *view_place(struct view *view, uint32_t pid, uint64_t address, char *out, size_t size)
{
  if (dbgksim_symbolize(view->session->machine, pid, address, out, size) != DBGKSIM_OK)
    snprintf(out, size, "0x%llx", (unsigned long long)address);
  return out;
}

static struct view_process *process_of(struct view *view, uint32_t pid, size_t *index)
{
  for (size_t i = 0; i < view->process_count; i++) {
    if (view->processes[i].pid == pid) {
      *index = i;
      return &view->processes[i];
    }
  }
  struct view_process *grown = realloc(view->processes, (view->process_count + 1) * sizeof *grown);
  if (!grown)
    return NULL;
  view->processes = grown;
  *index = view->process_count++;
  memset(&grown[*index], 0, sizeof *grown);
  grown[*index].pid = pid;
  return &grown[*index];
}

static bool thread_of(struct view *view, uint32_t tid, size_t *index)
{
  for (size_t i = 0; i < view->thread_count; i++) {
    if (view->threads[i] == tid) {
      *index = i;
      return true;
    }
  }
  uint32_t *grown = realloc(view->threads, (view->thread_count + 1) * sizeof *grown);
  if (!grown)
    return false;
  view->threads = grown;
  *index = view->thread_count++;
  grown[*index] = tid;
  return true;
}

/* SizeOfImage of the headers at `base`, 0 if they can not be read. */
static uint64_t image_size(struct view *view, uint32_t pid, uint64_t base)
{
  unsigned char headers[0x400];
  uint32_t offset, size;
  if (dbgksim_read_memory(view->session->machine, pid, base, headers, sizeof headers, NULL) != DBGKSIM_OK)
    return 0;
  memcpy(&offset, headers + 0x3C, sizeof offset);
  if (offset > 0x300)
    return 0;
  memcpy(&size, headers + offset + 24 + 56, sizeof size);
  return size;
}

static bool add_module(struct view *view, struct view_process *process, const struct dbgksim_event *event,
                       const char *name)
{
  if (process->module_count == process->module_room) {
    size_t room = process->module_room ? process->module_room * 2 : 16;
    struct view_module *grown = realloc(process->modules, room * sizeof *grown);
    if (!grown)
      return false;
    process->modules = grown;
    process->module_room = room;
  }
  struct view_module *module = &process->modules[process->module_count++];
  module->base = event->base;
  module->size = image_size(view, event->pid, event->base);
  snprintf(module->name, sizeof module->name, "%s", name);
  return true;
}

void view_unload(struct view_process *process, uint64_t base)
{
  for (size_t i = 0; i < process->module_count; i++) {
    if (process->modules[i].base == base) {
      process->modules[i] = process->modules[--process->module_count];
      return;
    }
  }
}

const char *view_module_name(const struct view_process *process, uint64_t base)
{
  for (size_t i = 0; i < process->module_count; i++)
    if (process->modules[i].base == base)
      return process->modules[i].name;
  return NULL;
}

bool view_inspect(struct view *view, const struct dbgksim_event *event, struct view_event *out)
{
  memset(out, 0, sizeof *out);
  out->event = event;
  out->nanoseconds = dbgksim_time(view->session->machine);
  out->answer = DBG_CONTINUE;
  out->process = process_of(view, event->pid, &out->process_index);
  if (!out->process || !thread_of(view, event->tid, &out->thread_index))
    return false;
  view->events++;
  switch (event->code) {
  case DBGKSIM_CREATE_PROCESS:
  case DBGKSIM_LOAD_DLL: {
    const char *name = strrchr(event->file, '\\');
    name = !event->has_file ? "<nofile>" : name ? name + 1 : event->file;
    snprintf(out->file, sizeof out->file, "%.*s", (int)sizeof out->file - 1, name);
    return add_module(view, out->process, event, out->file);
  }
  case DBGKSIM_EXCEPTION:
    out->context.ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_DEBUG_REGISTERS;
    out->has_context = dbgksim_get_context(view->session->machine, event->tid, &out->context) == DBGKSIM_OK;
    out->initial = !out->process->broke && event->exception.ExceptionCode == STATUS_BREAKPOINT;
    if (out->initial)
      out->process->broke = true;
    else
      out->answer = view->session->options->answer;
    return true;
  default:
    return true;
  }
}

void view_quote(FILE *out, const char *text)
{
  fputc('"', out);
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
    if (*p == '\n')
      fputs("\\n", out);
    else if (*p == '\r')
      fputs("\\r", out);
    else if (*p == '\t')
      fputs("\\t", out);
    else if (*p == '"' || *p == '\\')
      fprintf(out, "\\%c", *p);
    else if (*p < 0x20 || *p == 0x7F)
      fprintf(out, "\\x%02x", *p);
    else
      fputc(*p, out);
  }
  fputc('"', out);
}

bool view_inspect_kd(struct view *view, struct view_kd *kd)
{
  kd->nanoseconds = dbgksim_time(view->session->machine);
  return process_of(view, kd->event->pid, &kd->process_index) && thread_of(view, kd->event->tid, &kd->thread_index);
}

static size_t put_code_point(uint32_t c, char *out, size_t room)
{
  if (c < 0x80 && room >= 1) {
    out[0] = (char)c;
    return 1;
  }
  if (c < 0x800 && room >= 2) {
    out[0] = (char)(0xC0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3F));
    return 2;
  }
  if (c < 0x10000 && room >= 3) {
    out[0] = (char)(0xE0 | c >> 12);
    out[1] = (char)(0x80 | (c >> 6 & 0x3F));
    out[2] = (char)(0x80 | (c & 0x3F));
    return 3;
  }
  if (c >= 0x10000 && room >= 4) {
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
  }
  return 0;
}

size_t view_utf8(const uint16_t *text, size_t characters, char *out, size_t size)
{
  size_t used = 0;
  for (size_t i = 0; i < characters && text[i]; i++) {
    uint32_t c = text[i];
    if (c >= 0xD800 && c < 0xDC00 && i + 1 < characters && text[i + 1] >= 0xDC00 && text[i + 1] < 0xE000)
      c = 0x10000 + ((c - 0xD800) << 10) + (uint32_t)(text[++i] - 0xDC00);
    else if (c >= 0xD800 && c < 0xE000)
      c = 0xFFFD;
    size_t n = put_code_point(c, out + used, size - 1 - used);
    if (!n)
      break;
    used += n;
  }
  out[used] = 0;
  return used;
}

size_t view_string(struct view *view, const struct dbgksim_event *event, char *out, size_t size)
{
  uint16_t wide[512];
  size_t got = 0, used = 0, want = event->string_length;
  dbgksim_machine *machine = view->session->machine;
  if (event->unicode) {
    want = want > 512 ? 1024 : want * 2;
    dbgksim_read_memory(machine, event->pid, event->string_address, wide, want, &got);
    return view_utf8(wide, got / 2, out, size);
  }
  want = want > size - 1 ? size - 1 : want;
  dbgksim_read_memory(machine, event->pid, event->string_address, out, want, &got);
  while (used < got && out[used])
    used++;
  out[used] = 0;
  return used;
}

bool view_image_name(struct view *view, const struct dbgksim_event *event, char *out, size_t size)
{
  uint64_t address = 0;
  uint16_t wide[260];
  size_t got = 0;
  dbgksim_machine *machine = view->session->machine;
  *out = 0;
  if (!event->image_name ||
      dbgksim_read_memory(machine, event->pid, event->image_name, &address, sizeof address, NULL) != DBGKSIM_OK ||
      !address)
    return false;
  dbgksim_read_memory(machine, event->pid, address, wide, sizeof wide, &got);
  if (!got)
    return false;
  view_utf8(wide, got / 2, out, size);
  return true;
}

void view_free(struct view *view)
{
  for (size_t i = 0; i < view->process_count; i++)
    free(view->processes[i].modules);
  free(view->processes);
  free(view->threads);
  free(view->pending);
}
