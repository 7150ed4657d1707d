/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live message sources (spec/3.6): threads and processes that start and end, images that come and go. */
#include "dbgk/internal.h"

#include <string.h>

/* TEB fields that the kernel lends for names. */
#define TEB_ARBITRARY_USER_POINTER 0x28
#define TEB_SAME_TEB_FLAGS 0x17EE
#define TEB_SUPPRESS_DEBUG_MSG 0x80 /* SameTebFlags */
#define TEB_STATIC_UNICODE_BUFFER 0x1268

void dbgk_set_system_dll(SECTION *Section, ULONG64 Base)
{
  dbgk_state()->system_dll = Section;
  dbgk_state()->system_dll_base = Base;
}

/* A hidden thread sends nothing (fact 31); neither does a process without a port, which is no decision to tell. */
static bool silent(const ETHREAD *thread, const char *what)
{
  bool hidden = thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER;
  bool port = PsThreadProcess(thread)->DebugPort != NULL;
  if (hidden && port)
    TRACE(DBGKSIM_TRACE_DECISION, what, 0, 0, 0, 0);
  return hidden || !port;
}
#define HIDDEN(routine) #routine ": nothing is sent, the thread is hidden (HideFromDebugger)"

/* True while the thread's SameTebFlags say that its maps are nobody's business: data files that are mapped as images. */
static bool DbgkpSuppressDbgMsg(ETHREAD *thread)
{
  USHORT flags = 0;
  return NT_SUCCESS(mm_user_read(&flags, thread->Tcb.Teb + TEB_SAME_TEB_FLAGS, sizeof flags)) &&
         (flags & TEB_SUPPRESS_DEBUG_MSG);
}

/* DebugInfo* of a message: where the COFF symbols are (spec/3.1). */
static void debug_info(const SECTION *section, ULONG *offset, ULONG *size)
{
  const struct pe_headers *headers = mm_section_headers(section);
  *offset = headers ? headers->pointer_to_symbol_table : 0;
  *size = headers ? headers->number_of_symbols : 0;
}

void dbgk_fill_load_dll(SECTION *Section, ULONG64 Base, ULONG64 NamePointer, DBGKM_LOAD_DLL *load)
{
  load->FileHandle = DbgkpSectionToFileHandle(Section);
  load->BaseOfDll = Base;
  debug_info(Section, &load->DebugInfoFileOffset, &load->DebugInfoSize);
  load->NamePointer = NamePointer;
}

void dbgk_fill_create_process(EPROCESS *Process, DBGKM_CREATE_PROCESS *info)
{
  info->FileHandle = DbgkpSectionToFileHandle(Process->SectionObject);
  info->BaseOfImage = Process->SectionBaseAddress;
  debug_info(Process->SectionObject, &info->DebugInfoFileOffset, &info->DebugInfoSize);
  info->InitialThread.StartAddress = Process->entry_point;
}

/* The LoadDll message for ntdll, in the new thread's own context; its name is lent by the TEB for the time of the
 * message (spec/3.2). */
static void DbgkSendSystemDllMessages(ETHREAD *thread)
{
  static const WCHAR name[] = u"ntdll.dll";
  struct dbgk_state *dbgk = dbgk_state();
  DBGKM_APIMSG msg;
  DBGKM_LOAD_DLL *load = &msg.u.LoadDll;
  ULONG64 teb = thread->Tcb.Teb, zero = 0;
  if (!dbgk->system_dll)
    return;
  dbgk_init_message(&msg, DbgKmLoadDllApi, sizeof *load);
  dbgk_fill_load_dll(dbgk->system_dll, dbgk->system_dll_base, 0, load);
  if (!load->FileHandle && !era_current()->ntdll_event_without_file)
    return;
  ULONG64 buffer = teb + TEB_STATIC_UNICODE_BUFFER;
  if (NT_SUCCESS(mm_user_write(buffer, name, sizeof name)) &&
      NT_SUCCESS(mm_user_write(teb + TEB_ARBITRARY_USER_POINTER, &buffer, sizeof buffer)))
    load->NamePointer = teb + TEB_ARBITRARY_USER_POINTER;
  DbgkpSendApiMessage(PsThreadProcess(thread), DBGKP_SEND_SUSPEND | DBGKP_SEND_SKIPPABLE, &msg);
  dbgk_close_kernel_handle(load->FileHandle);
  mm_user_write(teb + TEB_ARBITRARY_USER_POINTER, &zero, sizeof zero);
}

static void send_create_process(EPROCESS *process)
{
  DBGKM_APIMSG msg;
  dbgk_init_message(&msg, DbgKmCreateProcessApi, sizeof msg.u.CreateProcessInfo);
  dbgk_fill_create_process(process, &msg.u.CreateProcessInfo);
  DbgkpSendApiMessage(process, 0, &msg);
  dbgk_close_kernel_handle(msg.u.CreateProcessInfo.FileHandle);
}

void DbgkCreateThread(ETHREAD *Thread)
{
  const ULONG reported = PS_PROCESS_FLAGS_CREATE_REPORTED | PS_PROCESS_FLAGS_IMAGE_NOTIFY_DONE;
  EPROCESS *process = PsThreadProcess(Thread);
  if (Thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_HIDE_FROM_DEBUGGER) {
    (void)silent(Thread, HIDDEN(DbgkCreateThread));
    return;
  }
  ke_race_point();
  ULONG old = process->Flags;
  process->Flags |= era_current()->create_reported_by_send ? PS_PROCESS_FLAGS_IMAGE_NOTIFY_DONE : reported;
  if (!(old & PS_PROCESS_FLAGS_IMAGE_NOTIFY_DONE)) {
    TRACE(DBGKSIM_TRACE_IMAGE, mm_section_path(process->SectionObject), process->SectionBaseAddress, 0, 1, 0);
    if (dbgk_state()->system_dll)
      TRACE(DBGKSIM_TRACE_IMAGE, mm_section_path(dbgk_state()->system_dll), dbgk_state()->system_dll_base, 0, 1, 0);
  }
  ke_race_point();
  if (!process->DebugPort)
    return;
  if (!(old & PS_PROCESS_FLAGS_CREATE_REPORTED)) {
    send_create_process(process);
    DbgkSendSystemDllMessages(Thread);
    return;
  }
  DBGKM_APIMSG msg;
  dbgk_init_message(&msg, DbgKmCreateThreadApi, sizeof msg.u.CreateThread);
  msg.u.CreateThread.StartAddress = Thread->Win32StartAddress;
  DbgkpSendApiMessage(process, DBGKP_SEND_SUSPEND, &msg);
}

void DbgkExitThread(NTSTATUS ExitStatus)
{
  ETHREAD *thread = PsGetCurrentThread();
  ke_race_point();
  if (silent(thread, HIDDEN(DbgkExitThread)) || !(thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_THREAD_INSERTED))
    return;
  DBGKM_APIMSG msg;
  dbgk_init_message(&msg, DbgKmExitThreadApi, sizeof msg.u.ExitThread);
  msg.u.ExitThread.ExitStatus = ExitStatus;
  DbgkpSendApiMessage(PsThreadProcess(thread), DBGKP_SEND_SUSPEND, &msg);
}

void DbgkExitProcess(NTSTATUS ExitStatus)
{
  ETHREAD *thread = PsGetCurrentThread();
  EPROCESS *process = PsThreadProcess(thread);
  ke_race_point();
  if (silent(thread, HIDDEN(DbgkExitProcess)) || !(thread->CrossThreadFlags & PS_CROSS_THREAD_FLAGS_THREAD_INSERTED))
    return;
  process->ExitTime = KeQuerySystemTime();
  DBGKM_APIMSG msg;
  dbgk_init_message(&msg, DbgKmExitProcessApi, sizeof msg.u.ExitProcess);
  msg.u.ExitProcess.ExitStatus = ExitStatus;
  DbgkpSendApiMessage(process, 0, &msg);
}

void DbgkMapViewOfSection(EPROCESS *Process, SECTION *Section, ULONG64 Base)
{
  ETHREAD *thread = PsGetCurrentThread();
  if (Process != PsGetCurrentProcess() || KeGetPreviousMode() == KernelMode)
    return;
  TRACE(DBGKSIM_TRACE_IMAGE, mm_section_path(Section), Base, Section->SizeOfSection, 1, 0);
  ke_race_point();
  if (silent(thread, HIDDEN(DbgkMapViewOfSection)) || DbgkpSuppressDbgMsg(thread))
    return;
  DBGKM_APIMSG msg;
  dbgk_init_message(&msg, DbgKmLoadDllApi, sizeof msg.u.LoadDll);
  dbgk_fill_load_dll(Section, Base, thread->Tcb.Teb + TEB_ARBITRARY_USER_POINTER, &msg.u.LoadDll);
  DbgkpSendApiMessage(Process, DBGKP_SEND_SUSPEND, &msg);
  dbgk_close_kernel_handle(msg.u.LoadDll.FileHandle);
}

void DbgkUnMapViewOfSection(EPROCESS *Process, ULONG64 Base)
{
  if (Process != PsGetCurrentProcess() || KeGetPreviousMode() == KernelMode)
    return;
  TRACE(DBGKSIM_TRACE_IMAGE, NULL, Base, 0, 0, 0);
  ke_race_point();
  if (silent(PsGetCurrentThread(), HIDDEN(DbgkUnMapViewOfSection)) || DbgkpSuppressDbgMsg(PsGetCurrentThread()))
    return;
  DBGKM_APIMSG msg;
  dbgk_init_message(&msg, DbgKmUnloadDllApi, sizeof msg.u.UnloadDll);
  msg.u.UnloadDll.BaseAddress = Base;
  DbgkpSendApiMessage(Process, DBGKP_SEND_SUSPEND, &msg);
}
