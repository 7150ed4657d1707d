/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program and the DLLs that come with it import, and which userland has it. */
#include "machine/embedded.h"
#include "machine/machine.h"

#include "base/host.h"
#include "loader/api_sets.h"
#include "loader/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TAG_IMPORTS POOL_TAG('I', 'm', 'p', 't')
#define MAX_MODULES 256u
/** A program's file name has 200 bytes at most. */
#define MODULE_NAME 208u

struct module {
  char name[MODULE_NAME];
  const void *bytes; /**< NULL: it is not there, or no image */
  size_t size;
  bool owned;  /**< bytes are to be freed */
  bool opened; /**< its own imports count, too */
  struct pe_headers headers;
};
/** A walk over a program, what it imports, what that imports... */
struct walk {
  const struct machine_userland *userland;
  struct module *modules[MAX_MODULES];
  unsigned count;
  const struct module *importer, *target; /**< target: of the DLL whose functions are looked at; NULL: unknown to us */
  char *out;
  size_t size, used;
  unsigned missing, left_out;
};

static bool read_guest_file(struct module *module, const char *folder)
{
  char path[sizeof "\\??\\C:\\windows\\system32\\" + MODULE_NAME];
  FILE_OBJECT *file;
  void *bytes;
  snprintf(path, sizeof path, "\\??\\%s\\%s", folder, module->name);
  if (!NT_SUCCESS(IoCreateFile(path, GENERIC_READ | SYNCHRONIZE, FILE_OPEN,
                               FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, &file, NULL)))
    return false;
  if (NT_SUCCESS(io_read_all(file, &bytes, &module->size))) {
    module->bytes = bytes;
    module->owned = true;
  }
  ObDereferenceObject(file);
  return module->owned;
}

static bool find_embedded(struct module *module)
{
  for (const struct io_embedded *dll = machine_builtin_dlls; dll->name; dll++)
    if (strcmp(dll->name, module->name) == 0) {
      module->bytes = dll->bytes;
      module->size = dll->size;
      return true;
    }
  return false;
}

static bool read_host_file(struct module *module, const char *folder)
{
  char path[4096 + MODULE_NAME];
  struct host_stat facts;
  snprintf(path, sizeof path, "%s/%s", folder, module->name);
  int fd = host_stat_path(path, &facts) && facts.kind == HOST_FILE && facts.size <= IO_MAX_SECTION_FILE
               ? host_open(path, false, false, false)
               : -1;
  if (fd < 0)
    return false;
  void *bytes = malloc(facts.size + 1);
  ssize_t moved = bytes ? host_pread(fd, bytes, facts.size, 0) : -1;
  host_close(fd);
  if (moved < 0) {
    free(bytes);
    return false;
  }
  module->bytes = bytes;
  module->size = (size_t)moved;
  module->owned = true;
  return true;
}

/* The folders in the loader's order; those of the userland may not be in place yet. */
static void find_module(const struct walk *w, struct module *module)
{
  bool own = read_guest_file(module, "C:\\app"), system = !own && read_guest_file(module, "C:\\windows\\system32");
  bool builtin = w->userland->builtin && !own && !system && find_embedded(module);
  if (!own && !system && !builtin && w->userland->dlls[0])
    (void)read_host_file(module, w->userland->dlls);
  if (system && w->userland->builtin) {
    const struct module probe = *module;
    builtin = find_embedded(module);
    *module = probe;
  }
  /* A userland satisfies itself; Wine's DLLs above the builtin ones are no userland of their own. */
  module->opened = own || (w->userland->builtin && !builtin);
  if (module->bytes && !NT_SUCCESS(pe_check(module->bytes, module->size, &module->headers, NULL))) {
    if (module->owned)
      free((void *)(uintptr_t)module->bytes);
    module->bytes = NULL;
    module->owned = false;
  }
}

static struct module *module_of(struct walk *w, const char *file)
{
  char name[MODULE_NAME];
  size_t n = 0;
  for (; file[n] && n < MODULE_NAME - 1; n++)
    name[n] = file[n] >= 'A' && file[n] <= 'Z' ? (char)(file[n] + 'a' - 'A') : file[n];
  name[n++] = 0;
  for (unsigned i = 0; i < w->count; i++)
    if (strcmp(w->modules[i]->name, name) == 0)
      return w->modules[i];
  struct module *module = w->count < MAX_MODULES ? ExAllocatePoolWithTag(sizeof *module, TAG_IMPORTS) : NULL;
  if (!module)
    return NULL;
  memcpy(module->name, name, n);
  w->modules[w->count++] = module;
  find_module(w, module);
  return module;
}

static void report(struct walk *w, const struct pe_import *import, const char *dll)
{
  char text[400], function[16] = "", importer[MODULE_NAME + 4] = "";
  w->missing++;
  if (!import->name && import->ordinal)
    snprintf(function, sizeof function, "#%u", import->ordinal);
  if (w->importer != w->modules[0])
    snprintf(importer, sizeof importer, " (%s)", w->importer->name);
  int n = snprintf(text, sizeof text, "%s%.100s%s%.150s%s", w->used ? ", " : "", dll,
                   import->name || import->ordinal ? "!" : "", import->name ? import->name : function, importer);
  /* Room for the number of those that have none. */
  if (w->left_out || n < 0 || (size_t)n + 24 >= w->size - w->used) {
    w->left_out++;
    return;
  }
  for (const char *c = text; *c; c++)
    w->out[w->used++] = *c < ' ' ? '?' : *c;
  w->out[w->used] = 0;
}

static bool begins_with(const char *text, const char *prefix) { return !strncasecmp(text, prefix, strlen(prefix)); }

/* The module of an import's DLL, whose name may lack the extension. */
static struct module *imported(struct walk *w, const char *name)
{
  char dll[MODULE_NAME + 4];
  snprintf(dll, sizeof dll, "%.*s%s", (int)MODULE_NAME - 1, name, strchr(name, '.') ? "" : ".dll");
  return module_of(w, dll);
}

static bool look_at(void *context, const struct pe_import *import)
{
  struct walk *w = context;
  const char *dll = import->dll;
  const bool contract = begins_with(dll, "api-") || begins_with(dll, "ext-");
  for (unsigned i = 0; contract && i < API_SET_FAMILIES; i++)
    if (begins_with(import->dll, api_set_families[i].prefix)) {
      dll = api_set_families[i].host;
      break;
    }
  /* Wine's map of API sets is not read: its contracts count as there. */
  if (contract && !w->userland->builtin)
    return true;
  if (!import->name && !import->ordinal) {
    w->target = imported(w, dll);
    if (!w->target || !w->target->bytes)
      report(w, import, dll);
    return w->target != NULL;
  }
  if (w->target->bytes && !pe_has_export(w->target->bytes, w->target->size, &w->target->headers, import))
    report(w, import, w->target->name);
  return true;
}

unsigned machine_missing_imports(const char *program, const struct machine_userland *userland, char *out, size_t size)
{
  struct walk *w = ExAllocatePoolWithTag(sizeof *w, TAG_IMPORTS);
  if (!w || !size) {
    ExFreePool(w);
    return 0;
  }
  *out = 0;
  /* The run does not depend on it: its userland is kept by name. */
  struct io_inputs *notes = io_swap_inputs(NULL);
  *w = (struct walk){.userland = userland, .out = out, .size = size};
  struct module *first = module_of(w, program);
  if (first)
    first->opened = true;
  for (unsigned i = 0; i < w->count; i++) {
    struct module *m = w->modules[i];
    w->importer = m;
    if (m->bytes && m->opened)
      (void)pe_for_each_import(m->bytes, m->size, &m->headers, look_at, w);
  }
  if (w->left_out)
    snprintf(out + w->used, size - w->used, " and %u more", w->left_out);
  unsigned missing = w->missing;
  for (unsigned i = 0; i < w->count; i++) {
    if (w->modules[i]->owned)
      free((void *)(uintptr_t)w->modules[i]->bytes);
    ExFreePool(w->modules[i]);
  }
  ExFreePool(w);
  io_swap_inputs(notes);
  return missing;
}
