/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file debuggee.h  For programs that debug a second process of themselves: `PROGRAM.exe WORD` plays a part. */
#ifndef DEBUGGEE_H
#define DEBUGGEE_H

#include "../kernel32/check.h"

/** The program started again with a word, that plays() tells there. */
typedef struct {
  PROCESS_INFORMATION info;
  DEBUG_EVENT event; /**< the last one */
} DEBUGGEE;

/** The word that this process was started with; "" for the test itself. */
static const char *word(void)
{
  const char *line = GetCommandLineA();
  BOOL quoted = FALSE;
  for (; *line && (quoted || *line != ' '); line++)
    quoted ^= *line == '"';
  while (*line == ' ')
    line++;
  return line;
}

static inline BOOL plays(const char *part)
{
  const char *own = word();
  while (*own && *own == *part)
    own++, part++;
  return *own == *part;
}

static inline BOOL start_part(const char *part, DWORD flags, DEBUGGEE *d)
{
  static STARTUPINFOA startup = {.cb = sizeof startup};
  char line[300], path[260];
  DWORD size = sizeof path, n = 0;
  QueryFullProcessImageNameA(GetCurrentProcess(), 0, path, &size);
  line[n++] = '"';
  for (DWORD i = 0; i < size; i++)
    line[n++] = path[i];
  line[n++] = '"';
  line[n++] = ' ';
  while (*part)
    line[n++] = *part++;
  line[n] = 0;
  return CreateProcessA(path, line, NULL, NULL, FALSE, flags, NULL, NULL, &startup, &d->info);
}

/** Waits for the next event; its code, 0 if there is none for a second. Files are closed. */
static inline DWORD next_event(DEBUGGEE *d, BOOL wide)
{
  BOOL came = wide ? WaitForDebugEventEx(&d->event, 1000) : WaitForDebugEvent(&d->event, 1000);
  if (!came)
    return 0;
  if (d->event.dwDebugEventCode == CREATE_PROCESS_DEBUG_EVENT)
    CloseHandle(d->event.u.CreateProcessInfo.hFile);
  if (d->event.dwDebugEventCode == LOAD_DLL_DEBUG_EVENT)
    CloseHandle(d->event.u.LoadDll.hFile);
  return d->event.dwDebugEventCode;
}

static inline BOOL answer(DEBUGGEE *d, DWORD status)
{
  return ContinueDebugEvent(d->event.dwProcessId, d->event.dwThreadId, status);
}

/** Continues up to an event of this code (then it is outstanding). */
static inline BOOL run_to(DEBUGGEE *d, DWORD code, BOOL wide)
{
  for (;;) {
    DWORD got = next_event(d, wide);
    if (got == code || !got)
      return got == code;
    if (!answer(d, DBG_CONTINUE))
      return FALSE;
  }
}

/** Answers the outstanding event and all later ones, up to the end; the exit code. */
static inline DWORD run_to_end(DEBUGGEE *d)
{
  DWORD code = 0;
  while (answer(d, DBG_CONTINUE) && d->event.dwDebugEventCode != EXIT_PROCESS_DEBUG_EVENT && next_event(d, FALSE))
    if (d->event.dwDebugEventCode == EXIT_PROCESS_DEBUG_EVENT)
      code = d->event.u.ExitProcess.dwExitCode;
  CHECK(WaitForSingleObject(d->info.hProcess, 1000) == WAIT_OBJECT_0);
  CloseHandle(d->info.hThread);
  CloseHandle(d->info.hProcess);
  return code;
}

#endif
