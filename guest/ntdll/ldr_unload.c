/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unloading: a module stays as long as somebody loaded it, or one that stays needs it; so circles go as a whole. */
#include "ldrp.h"

typedef BOOLEAN(WINAPI *DLL_ENTRY)(PVOID DllHandle, ULONG Reason, PVOID Context);

static void mark(LDRP_MODULE *module)
{
  if (module->Marked)
    return;
  module->Marked = TRUE;
  for (ULONG i = 0; i < module->DependencyCount; i++)
    mark(module->Dependencies[i]);
}

static void detach(LDRP_MODULE *module)
{
  if (module->Node.State == LDRP_STATE_READY_TO_RUN) {
    module->Node.State = LDRP_STATE_UNLOADING;
    LdrpCallTlsInitializers(module, DLL_PROCESS_DETACH);
    if (module->Entry.EntryPoint)
      ((DLL_ENTRY)module->Entry.EntryPoint)(module->Entry.DllBase, DLL_PROCESS_DETACH, NULL);
  }
  module->Node.State = LDRP_STATE_UNLOADING;
}

/* Calls the entries of all that go, the last initialised first. A call may load and unload: then the sweep begins again
 * with what is left, as those that were called say UNLOADING. */
static void detach_unmarked(void)
{
  LIST_ENTRY *head = &LdrpData.InInitializationOrderModuleList;
  for (LIST_ENTRY *link = head->Blink, *next; link != head; link = next) {
    LDRP_MODULE *module = CONTAINING_RECORD(link, LDRP_MODULE, Entry.InInitializationOrderLinks);
    next = link->Blink;
    if (!module->Marked)
      detach(module);
  }
}

static BOOLEAN sweeping;

void LdrpSweepModules(void)
{
  if (sweeping)
    return;
  sweeping = TRUE;
  LDRP_FOR_EACH_MODULE(module)
    module->Marked = FALSE;
  LDRP_FOR_EACH_MODULE(module)
    if (module->Node.LoadCount)
      mark(module);
  detach_unmarked();
  LIST_ENTRY *head = &LdrpData.InLoadOrderModuleList;
  for (LIST_ENTRY *link = head->Blink, *next; link != head; link = next) {
    LDRP_MODULE *module = LDRP_MODULE_OF(link);
    PVOID base = module->Entry.DllBase;
    next = link->Blink;
    if (module->Marked || module->Node.LoadCount)
      continue;
    LdrpReleaseTlsSlot(module);
    LdrpRemoveModule(module);
    NtUnmapViewOfSection(NtCurrentProcess(), base);
  }
  sweeping = FALSE;
}
