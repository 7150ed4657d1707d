/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For a userland in which Wine's DLLs stand behind this one (hybrid): what they import of an ntdll beyond what Windows' has,
 * their debug messages, which are all off here; and what they expect of critical sections. */
#include "ntdllp.h"

NTDLL_API UCHAR __wine_dbg_get_channel_flags(PVOID channel);
NTDLL_API const char *__wine_dbg_strdup(const char *text);
NTDLL_API int __wine_dbg_header(ULONG class, PVOID channel, const char *function);
NTDLL_API int __wine_dbg_output(const char *text);

static RTL_CRITICAL_SECTION_DEBUG shared_debug_info;
PRTL_CRITICAL_SECTION_DEBUG RtlpCriticalSectionDebugInfo = (PVOID)-1;

void RtlpNoteWineImage(PVOID Base)
{
  /* Behind the DOS header of each. */
  static const char signature[] = "Wine builtin DLL";
  if (!memcmp((const UCHAR *)Base + sizeof(IMAGE_DOS_HEADER), signature, sizeof signature - 1))
    RtlpCriticalSectionDebugInfo = &shared_debug_info;
}

/* One bit per class of messages. */
UCHAR __wine_dbg_get_channel_flags(PVOID channel)
{
  (void)channel;
  return 0;
}

/* Only the text of a message that is on would be kept. */
const char *__wine_dbg_strdup(const char *text) { return text; }

/* -1: this message is off. */
int __wine_dbg_header(ULONG class, PVOID channel, const char *function)
{
  (void)class, (void)channel, (void)function;
  return -1;
}

int __wine_dbg_output(const char *text)
{
  int length = 0;
  while (text[length])
    length++;
  return length;
}
