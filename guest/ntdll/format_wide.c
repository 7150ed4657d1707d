/* SPDX-License-Identifier: GPL-2.0-or-later */
/* format.c for wide characters. */
#define FORMAT_FUNCTION RtlpFormatWide
#define FORMAT_CHAR WCHAR
#include "format.c"
