/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file decode.h  How arguments of services become text. */
#ifndef CLIENT_DECODE_H
#define CLIENT_DECODE_H

#include "ntos/trap/monitor.h"

/** Text that is cut to its buffer, like snprintf's. */
struct decode_text {
  char *out;
  size_t size, used; /**< used: what would be there with room for all */
};

/** Appends. */
void decode_put(struct decode_text *text, const char *string);
void decode_format(struct decode_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Appends bytes in quotes; what does not print as \x.., \n, \r, \t; a quote as \", a backslash as \\. Bytes that begin
 *  with UTF-16 are shown as that, u"...", up to its NUL. */
void decode_bytes(struct decode_text *text, const UCHAR *bytes, size_t size, bool cut);
/** Appends UTF-16 in quotes, as UTF-8, with the same escapes for control characters. */
void decode_wide(struct decode_text *text, const UCHAR *bytes, size_t size, bool cut);

/** Appends the names of flags, or of one of several values, of a kind that has them. False: it has none. */
bool decode_named(struct decode_text *text, enum service_argument_kind kind, ULONG64 value);
/** Appends the name of a status, 0, or its number. */
void decode_status(struct decode_text *text, ULONG status);
/** Appends what a query left behind, `size` bytes of it, if the form of that class is known. */
bool decode_information(struct decode_text *text, enum service_argument_kind kind, ULONG class, const UCHAR *bytes,
                        size_t size);
/** Appends what NtWaitForDebugEvent wrote. */
void decode_state_change(struct decode_text *text, const DBGUI_WAIT_STATE_CHANGE *state);

#endif
