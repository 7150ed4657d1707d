/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debugger: a debugger that runs inside, and tells of another sample what `dbgksim trace --format lines` tells.
 *
 *     debugger.exe [-k] [-p] [-a MILLISECONDS] PROGRAM ARGUMENTS
 *
 * -k answers exceptions with DBG_CONTINUE, -p follows children, -a starts the program and attaches later. The lines go
 * to standard error.
 *
 * Look for (dbgksim run sample:debugger hello.exe): the loop of WaitForDebugEventEx and ContinueDebugEvent; hFile
 * is closed here, the other handles by ContinueDebugEvent (fact 12); lpImageName is a pointer to a pointer (fact 3). */
#include "sample.h"

#define MODULES 32
#define THREADS 256

struct module {
  ULONG64 base, size;
  char name[64];
};
struct process {
  DWORD id;
  HANDLE handle;
  BOOL broke; /* the first breakpoint is behind */
  int modules;
  struct module module[MODULES];
};
static struct process processes[8];
static DWORD threads[THREADS];
static int process_count, thread_count;

/* ---- the line that is put together ---- */

static char line[4096];
static DWORD length;

static void text(const char *s)
{
  while (*s && length < sizeof(line) - 2)
    line[length++] = *s++;
}

static void digits(ULONG64 number, ULONG base, int least)
{
  char reversed[24];
  int count = 0;
  for (; number || count < least; number /= base)
    reversed[count++] = "0123456789abcdef"[number % base];
  while (count && length < sizeof(line) - 2)
    line[length++] = reversed[--count];
}

static void decimal(const char *before, ULONG64 number)
{
  text(before);
  digits(number, 10, 1);
}

static void hexadecimal(const char *before, ULONG64 number)
{
  text(before);
  text("0x");
  digits(number, 16, 1);
}

static void end_line(void)
{
  line[length++] = '\n';
  WriteFile(GetStdHandle(STD_ERROR_HANDLE), line, length, &length, NULL);
  length = 0;
}

/* Characters beyond ASCII as UTF-8. */
static void wide_text(const WCHAR *s, int most)
{
  for (; most-- && *s && length < sizeof(line) - 4; s++) {
    if (*s >= 0x800)
      line[length++] = (char)(0xE0 | *s >> 12);
    if (*s >= 0x80)
      line[length++] = (char)(*s >= 0x800 ? 0x80 | (*s >> 6 & 0x3F) : 0xC0 | *s >> 6);
    line[length++] = (char)(*s >= 0x80 ? 0x80 | (*s & 0x3F) : *s);
  }
}

/* ---- what the debugger knows ---- */

static struct process *process_of(DWORD id)
{
  for (int i = 0; i < process_count; i++)
    if (processes[i].id == id)
      return &processes[i];
  processes[process_count].id = id;
  return &processes[process_count++];
}

static int index_of_thread(DWORD id)
{
  for (int i = 0; i < thread_count; i++)
    if (threads[i] == id)
      return i;
  threads[thread_count] = id;
  return thread_count++;
}

static BOOL peek(struct process *p, const void *address, void *to, SIZE_T size)
{
  SIZE_T got;
  return ReadProcessMemory(p->handle, address, to, size, &got);
}

/* Adds the module of a file and prints the file's name. */
static void add_module(struct process *p, HANDLE file, void *base)
{
  char path[512];
  struct module *m = &p->module[p->modules];
  DWORD at = file ? GetFinalPathNameByHandleA(file, path, sizeof(path), 0) : 0, i = 0;
  IMAGE_DOS_HEADER dos;
  IMAGE_NT_HEADERS64 nt;
  path[at] = 0;
  while (at && path[at - 1] != '\\')
    at--;
  for (; path[at] && i < sizeof(m->name) - 1; i++)
    m->name[i] = path[at++];
  m->name[i] = 0;
  m->base = (ULONG64)base;
  m->size = 0;
  if (peek(p, base, &dos, sizeof(dos)) && peek(p, (char *)base + dos.e_lfanew, &nt, sizeof(nt)))
    m->size = nt.OptionalHeader.SizeOfImage;
  if (p->modules < MODULES - 1)
    p->modules++;
  text(file ? m->name : "<nofile>");
  if (file)
    CloseHandle(file);
}

/* An address as module+offset. */
static void place(struct process *p, const char *before, ULONG64 address)
{
  text(before);
  for (int i = 0; i < p->modules; i++)
    if (address - p->module[i].base < p->module[i].size) {
      text(p->module[i].name);
      hexadecimal("+", address - p->module[i].base);
      return;
    }
  if (address < 0x10000 || address > 0xFFFFFFFFFFFF0000ull)
    hexadecimal("", address);
  else
    text("<mem>");
}

static void image_name(struct process *p, void *pointer)
{
  void *name = NULL;
  static WCHAR wide[260];
  text(" name=");
  if (!pointer)
    text("null");
  else if (!peek(p, pointer, &name, sizeof(name)))
    text("unreadable");
  else if (!name)
    text("->null");
  else if (!peek(p, name, wide, 500))
    text("->unreadable");
  else {
    text("\"");
    wide_text(wide, 250);
    text("\"");
  }
}

/* ---- events ---- */

static void created(struct process *p, CREATE_PROCESS_DEBUG_INFO *info)
{
  p->handle = info->hProcess;
  text("CREATE_PROCESS ");
  add_module(p, info->hFile, info->lpBaseOfImage);
  hexadecimal(" base=", (ULONG64)info->lpBaseOfImage);
  place(p, " start=", (ULONG64)info->lpStartAddress);
  decimal(" dbgoff=", info->dwDebugInfoFileOffset);
  decimal(" dbgsize=", info->nDebugInfoSize);
  text(info->lpThreadLocalBase ? " teb=nz" : " teb=0");
  image_name(p, info->lpImageName);
  decimal(" uni=", info->fUnicode);
  decimal(" hT=", info->hThread != NULL);
}

static void loaded(struct process *p, LOAD_DLL_DEBUG_INFO *info)
{
  text("LOAD_DLL ");
  add_module(p, info->hFile, info->lpBaseOfDll);
  decimal(" dbgoff=", info->dwDebugInfoFileOffset);
  decimal(" dbgsize=", info->nDebugInfoSize);
  image_name(p, info->lpImageName);
  decimal(" uni=", info->fUnicode);
}

static void unloaded(struct process *p, void *base)
{
  place(p, "UNLOAD_DLL ", (ULONG64)base);
  for (int i = 0; i < p->modules; i++)
    if (p->module[i].base == (ULONG64)base) {
      p->module[i] = p->module[--p->modules];
      break;
    }
}

static void string(struct process *p, OUTPUT_DEBUG_STRING_INFO *info)
{
  static WCHAR buffer[512];
  int count = info->nDebugStringLength > 500 ? 500 : info->nDebugStringLength;
  peek(p, info->lpDebugStringData, buffer, (SIZE_T)count * (info->fUnicode ? 2 : 1));
  if (!info->fUnicode)
    ((char *)buffer)[count] = 0;
  text(info->fUnicode ? "OUTPUT_STRING W" : "OUTPUT_STRING A");
  decimal(" len=", info->nDebugStringLength);
  text(" \"");
  if (info->fUnicode)
    wide_text(buffer, count);
  else
    text((char *)buffer);
  text("\"");
}

static DWORD exception(struct process *p, DEBUG_EVENT *event, DWORD answer)
{
  EXCEPTION_RECORD *record = &event->u.Exception.ExceptionRecord;
  static CONTEXT context;
  HANDLE thread = OpenThread(THREAD_ALL_ACCESS, FALSE, event->dwThreadId);
  context.ContextFlags = CONTEXT_CONTROL | CONTEXT_DEBUG_REGISTERS;
  GetThreadContext(thread, &context);
  CloseHandle(thread);
  text("EXCEPTION 0x");
  digits(record->ExceptionCode, 16, 8);
  decimal(" first=", event->u.Exception.dwFirstChance);
  hexadecimal(" flags=", record->ExceptionFlags);
  place(p, " at ", (ULONG64)record->ExceptionAddress);
  place(p, " rip=", context.Rip);
  text(context.Rip == (ULONG64)record->ExceptionAddress ? " (=)" : "");
  decimal(" efl.TF=", context.EFlags >> 8 & 1);
  hexadecimal(" dr6=", context.Dr6);
  decimal(" np=", record->NumberParameters);
  for (DWORD i = 0; i < record->NumberParameters; i++)
    place(p, " ", record->ExceptionInformation[i]);
  if (!p->broke && record->ExceptionCode == EXCEPTION_BREAKPOINT) {
    p->broke = TRUE;
    answer = DBG_CONTINUE;
    text(" [initial]");
  }
  text(answer == DBG_CONTINUE ? " -> CONTINUE" : " -> NOT_HANDLED");
  return answer;
}

/* Prints an event; the answer to it. */
static DWORD tell(DEBUG_EVENT *event, DWORD answer)
{
  struct process *p = process_of(event->dwProcessId);
  DWORD result = DBG_CONTINUE;
  decimal("p", (ULONG64)(p - processes));
  decimal(" t", (ULONG64)index_of_thread(event->dwThreadId));
  text(" ");
  switch (event->dwDebugEventCode) {
  case CREATE_PROCESS_DEBUG_EVENT:
    created(p, &event->u.CreateProcessInfo);
    break;
  case CREATE_THREAD_DEBUG_EVENT:
    place(p, "CREATE_THREAD start=", (ULONG64)event->u.CreateThread.lpStartAddress);
    text(event->u.CreateThread.lpThreadLocalBase ? " teb=nz" : " teb=0");
    break;
  case EXIT_THREAD_DEBUG_EVENT:
    hexadecimal("EXIT_THREAD code=", event->u.ExitThread.dwExitCode);
    break;
  case EXIT_PROCESS_DEBUG_EVENT:
    hexadecimal("EXIT_PROCESS code=", event->u.ExitProcess.dwExitCode);
    break;
  case LOAD_DLL_DEBUG_EVENT:
    loaded(p, &event->u.LoadDll);
    break;
  case UNLOAD_DLL_DEBUG_EVENT:
    unloaded(p, event->u.UnloadDll.lpBaseOfDll);
    break;
  case OUTPUT_DEBUG_STRING_EVENT:
    string(p, &event->u.DebugString);
    break;
  case EXCEPTION_DEBUG_EVENT:
    result = exception(p, event, answer);
    break;
  case RIP_EVENT:
    decimal("RIP err=", event->u.RipInfo.dwError);
    decimal(" type=", event->u.RipInfo.dwType);
    break;
  }
  end_line();
  return result;
}

static int fail(const char *what)
{
  decimal(what, GetLastError());
  end_line();
  return 1;
}

/* Skips a word and the blanks behind it. */
static char *next_word(char *s)
{
  BOOL quoted = FALSE;
  for (; *s && (quoted || *s != ' '); s++)
    quoted ^= *s == '"';
  while (*s == ' ')
    s++;
  return s;
}

int start(void)
{
  static STARTUPINFOA startup = {.cb = sizeof(startup)};
  PROCESS_INFORMATION child;
  DEBUG_EVENT event;
  DWORD flags = DEBUG_ONLY_THIS_PROCESS, answer = DBG_EXCEPTION_NOT_HANDLED, delay = 0;
  int alive = 0;
  char *command = next_word(GetCommandLineA());
  for (; *command == '-'; command = next_word(command)) {
    if (command[1] == 'k') {
      answer = DBG_CONTINUE;
    } else if (command[1] == 'p') {
      flags = DEBUG_PROCESS;
    } else if (command[1] == 'a') {
      flags = 0;
      command = next_word(command);
      for (char *s = command; *s >= '0' && *s <= '9'; s++)
        delay = delay * 10 + (DWORD)(*s - '0');
    }
  }
  if (!CreateProcessA(NULL, command, NULL, NULL, TRUE, flags, NULL, NULL, &startup, &child))
    return fail("CreateProcess failed ");
  if (!flags) {
    Sleep(delay);
    if (!DebugActiveProcess(child.dwProcessId))
      return fail("DebugActiveProcess failed ");
    text("# DebugActiveProcess ok");
    end_line();
  }
  do {
    if (!WaitForDebugEventEx(&event, INFINITE))
      return fail("WaitForDebugEventEx failed ");
    alive +=
        (event.dwDebugEventCode == CREATE_PROCESS_DEBUG_EVENT) - (event.dwDebugEventCode == EXIT_PROCESS_DEBUG_EVENT);
    if (!ContinueDebugEvent(event.dwProcessId, event.dwThreadId, tell(&event, answer)))
      return fail("ContinueDebugEvent failed ");
  } while (alive);
  return 0;
}
