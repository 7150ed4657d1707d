/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code pages and the conversions between them and UTF-16. Known are 1252 (the ANSI one), 437 (the OEM one), 28591, 20127 and
 * 65001; no best fit: what a code page lacks becomes the default character. */
#include "kernel32p.h"

#define ANSI_PAGE 1252u
#define OEM_PAGE 437u
#define MB_ALL_FLAGS (MB_PRECOMPOSED | MB_COMPOSITE | MB_USEGLYPHCHARS | MB_ERR_INVALID_CHARS)
#define WC_ALL_FLAGS (WC_COMPOSITECHECK | WC_DISCARDNS | WC_SEPCHARS | WC_DEFAULTCHAR | WC_NO_BEST_FIT_CHARS)
#define REPLACEMENT 0xFFFDu

/* What 437 has from 80 on. */
static const WCHAR page_437[128] = {
    0xC7,   0xFC,   0xE9,   0xE2,   0xE4,   0xE0,   0xE5,   0xE7,   0xEA,   0xEB,   0xE8,   0xEF,   0xEE,   0xEC,   0xC4,
    0xC5,   0xC9,   0xE6,   0xC6,   0xF4,   0xF6,   0xF2,   0xFB,   0xF9,   0xFF,   0xD6,   0xDC,   0xA2,   0xA3,   0xA5,
    0x20A7, 0x192,  0xE1,   0xED,   0xF3,   0xFA,   0xF1,   0xD1,   0xAA,   0xBA,   0xBF,   0x2310, 0xAC,   0xBD,   0xBC,
    0xA1,   0xAB,   0xBB,   0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
    0x255D, 0x255C, 0x255B, 0x2510, 0x2514, 0x2534, 0x252C, 0x251C, 0x2500, 0x253C, 0x255E, 0x255F, 0x255A, 0x2554, 0x2569,
    0x2566, 0x2560, 0x2550, 0x256C, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256B, 0x256A, 0x2518,
    0x250C, 0x2588, 0x2584, 0x258C, 0x2590, 0x2580, 0x3B1,  0xDF,   0x393,  0x3C0,  0x3A3,  0x3C3,  0xB5,   0x3C4,  0x3A6,
    0x398,  0x3A9,  0x3B4,  0x221E, 0x3C6,  0x3B5,  0x2229, 0x2261, 0xB1,   0x2265, 0x2264, 0x2320, 0x2321, 0xF7,   0x2248,
    0xB0,   0x2219, 0xB7,   0x221A, 0x207F, 0xB2,   0x25A0, 0xA0,
};

UINT BaseResolveCodePage(UINT CodePage)
{
  switch (CodePage) {
  case CP_ACP:
  case CP_THREAD_ACP:
    return ANSI_PAGE;
  case CP_OEMCP:
    return OEM_PAGE;
  case ANSI_PAGE:
  case OEM_PAGE:
  case 28591:
  case 20127:
  case CP_UTF8:
    return CodePage;
  default:
    return 0;
  }
}

static WCHAR to_wide(UINT page, UCHAR byte)
{
  if (byte < 0x80 || page == 28591)
    return byte;
  if (page == 20127)
    return byte & 0x7F;
  if (page == ANSI_PAGE)
    return base_wide_char((char)byte);
  return page_437[byte - 0x80];
}

/* The byte of a character, -1 if the page has none. */
static int to_byte(UINT page, WCHAR c)
{
  char ansi = base_narrow_char(c);
  if (c < 0x80 || (c < 0x100 && page == 28591))
    return c;
  if (page == ANSI_PAGE)
    return ansi == '?' ? -1 : (UCHAR)ansi;
  for (int i = 0; page == OEM_PAGE && i < 128; i++)
    if (page_437[i] == c)
      return 0x80 + i;
  return -1;
}

/* One character of UTF-8 at *at, which moves behind it; REPLACEMENT and *bad for the longest start of an invalid one. */
static ULONG utf8_next(const UCHAR *text, int length, int *at, BOOL *bad)
{
  UCHAR lead = text[(*at)++], lowest = 0x80, highest = 0xBF;
  int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  ULONG value = lead & (0x3Fu >> more);
  if (lead < 0x80)
    return lead;
  if (lead < 0xC2 || lead > 0xF4) {
    *bad = TRUE;
    return REPLACEMENT;
  }
  if (lead == 0xE0)
    lowest = 0xA0;
  if (lead == 0xED)
    highest = 0x9F;
  if (lead == 0xF0)
    lowest = 0x90;
  if (lead == 0xF4)
    highest = 0x8F;
  for (; more; more--, lowest = 0x80, highest = 0xBF) {
    if (*at >= length || text[*at] < lowest || text[*at] > highest) {
      *bad = TRUE;
      return REPLACEMENT;
    }
    value = value << 6 | (text[(*at)++] & 0x3Fu);
  }
  return value;
}

static int utf8_to_wide(DWORD flags, const UCHAR *from, int length, WCHAR *to, int room)
{
  int made = 0;
  for (int at = 0; at < length;) {
    BOOL bad = FALSE;
    ULONG c = utf8_next(from, length, &at, &bad);
    int units = c > 0xFFFF ? 2 : 1;
    if (bad && (flags & MB_ERR_INVALID_CHARS))
      return base_fail(ERROR_NO_UNICODE_TRANSLATION);
    if (room && made + units > room)
      return base_fail(ERROR_INSUFFICIENT_BUFFER);
    if (room && units == 2) {
      to[made] = (WCHAR)(0xD7C0 + (c >> 10));
      to[made + 1] = (WCHAR)(0xDC00 | (c & 0x3FF));
    } else if (room) {
      to[made] = (WCHAR)c;
    }
    made += units;
  }
  return made;
}

int WINAPI MultiByteToWideChar(UINT CodePage, DWORD dwFlags, LPCCH lpMultiByteStr, int cbMultiByte, LPWSTR lpWideCharStr,
                               int cchWideChar)
{
  UINT page = BaseResolveCodePage(CodePage);
  if (!lpMultiByteStr || !cbMultiByte || cchWideChar < 0 || (cchWideChar && !lpWideCharStr) || !page ||
      (const void *)lpMultiByteStr == lpWideCharStr)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (dwFlags & ~(page == CP_UTF8 ? MB_ERR_INVALID_CHARS : MB_ALL_FLAGS) ||
      (dwFlags & (MB_PRECOMPOSED | MB_COMPOSITE)) == (MB_PRECOMPOSED | MB_COMPOSITE))
    return base_fail(ERROR_INVALID_FLAGS);
  if (cbMultiByte < 0)
    for (cbMultiByte = 0; lpMultiByteStr[cbMultiByte++];)
      ;
  if (page == CP_UTF8)
    return utf8_to_wide(dwFlags, (const UCHAR *)lpMultiByteStr, cbMultiByte, lpWideCharStr, cchWideChar);
  if (cchWideChar && cchWideChar < cbMultiByte) {
    for (int i = 0; i < cchWideChar; i++)
      lpWideCharStr[i] = to_wide(page, (UCHAR)lpMultiByteStr[i]);
    return base_fail(ERROR_INSUFFICIENT_BUFFER);
  }
  for (int i = 0; cchWideChar && i < cbMultiByte; i++)
    lpWideCharStr[i] = to_wide(page, (UCHAR)lpMultiByteStr[i]);
  return cbMultiByte;
}

static int wide_to_utf8(DWORD flags, const WCHAR *from, int length, char *to, int room)
{
  int made = 0;
  for (int at = 0; at < length;) {
    ULONG c = from[at++];
    UCHAR bytes[4];
    int count = 0;
    if ((c & 0xFC00) == 0xD800 && at < length && (from[at] & 0xFC00) == 0xDC00)
      c = 0x10000 + ((c & 0x3FF) << 10) + (from[at++] & 0x3FFu);
    else if ((c & 0xF800) == 0xD800) {
      if (flags & WC_ERR_INVALID_CHARS)
        return base_fail(ERROR_NO_UNICODE_TRANSLATION);
      c = REPLACEMENT;
    }
    if (c < 0x80)
      bytes[count++] = (UCHAR)c;
    else {
      int shift = c < 0x800 ? 6 : c < 0x10000 ? 12 : 18;
      bytes[count++] = (UCHAR)((0xFF00u >> (shift / 6 + 1) & 0xFF) | c >> shift);
      while ((shift -= 6) >= 0)
        bytes[count++] = (UCHAR)(0x80 | (c >> shift & 0x3F));
    }
    if (room && made + count > room)
      return base_fail(ERROR_INSUFFICIENT_BUFFER);
    for (int i = 0; room && i < count; i++)
      to[made + i] = (char)bytes[i];
    made += count;
  }
  return made;
}

static int wide_to_page(UINT page, const WCHAR *from, int length, char *to, int room, const char *fallback, BOOL *used)
{
  char replace = fallback ? *fallback : '?';
  int made = 0;
  BOOL lost = FALSE;
  for (int at = 0; at < length; made++) {
    WCHAR c = from[at++];
    int byte = to_byte(page, c);
    lost |= byte < 0;
    if (room && made >= room)
      return base_fail(ERROR_INSUFFICIENT_BUFFER);
    if (room)
      to[made] = byte < 0 ? replace : (char)byte;
  }
  if (used)
    *used = lost;
  return made;
}

int WINAPI WideCharToMultiByte(UINT CodePage, DWORD dwFlags, LPCWCH lpWideCharStr, int cchWideChar, LPSTR lpMultiByteStr,
                               int cbMultiByte, LPCCH lpDefaultChar, LPBOOL lpUsedDefaultChar)
{
  UINT page = BaseResolveCodePage(CodePage);
  if (!lpWideCharStr || !cchWideChar || cbMultiByte < 0 || (cbMultiByte && !lpMultiByteStr) || !page ||
      (const void *)lpWideCharStr == lpMultiByteStr)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (page == CP_UTF8 && (lpDefaultChar || lpUsedDefaultChar))
    return base_fail(ERROR_INVALID_PARAMETER);
  if (dwFlags & ~(page == CP_UTF8 ? WC_ERR_INVALID_CHARS : WC_ALL_FLAGS))
    return base_fail(ERROR_INVALID_FLAGS);
  if (cchWideChar < 0)
    for (cchWideChar = 0; lpWideCharStr[cchWideChar++];)
      ;
  if (page == CP_UTF8)
    return wide_to_utf8(dwFlags, lpWideCharStr, cchWideChar, lpMultiByteStr, cbMultiByte);
  return wide_to_page(page, lpWideCharStr, cchWideChar, lpMultiByteStr, cbMultiByte, lpDefaultChar, lpUsedDefaultChar);
}

UINT WINAPI GetACP(void) { return ANSI_PAGE; }
UINT WINAPI GetOEMCP(void) { return OEM_PAGE; }
WINBOOL WINAPI IsValidCodePage(UINT CodePage) { return CodePage > CP_THREAD_ACP && BaseResolveCodePage(CodePage); }
WINBOOL WINAPI IsDBCSLeadByte(BYTE TestChar)
{
  (void)TestChar;
  return FALSE;
}

WINBOOL WINAPI IsDBCSLeadByteEx(UINT CodePage, BYTE TestChar)
{
  (void)TestChar;
  return BaseResolveCodePage(CodePage) ? FALSE : base_fail(ERROR_INVALID_PARAMETER);
}

WINBOOL WINAPI GetCPInfo(UINT CodePage, LPCPINFO lpCPInfo)
{
  UINT page = BaseResolveCodePage(CodePage);
  if (!page || !lpCPInfo)
    return base_fail(ERROR_INVALID_PARAMETER);
  *lpCPInfo = (CPINFO){.MaxCharSize = page == CP_UTF8 ? 4 : 1, .DefaultChar = {'?'}};
  return TRUE;
}

static const struct {
  UINT page;
  const char *name;
} page_names[] = {{ANSI_PAGE, "1252  (ANSI - Latin I)"},
                  {OEM_PAGE, "437   (OEM - United States)"},
                  {28591, "28591 (ISO 8859-1 Latin I)"},
                  {20127, "20127 (US-ASCII)"},
                  {CP_UTF8, "65001 (UTF-8)"}};

WINBOOL WINAPI GetCPInfoExW(UINT CodePage, DWORD dwFlags, LPCPINFOEXW lpCPInfoEx)
{
  CPINFO basic;
  if (dwFlags || !lpCPInfoEx)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (!GetCPInfo(CodePage, &basic))
    return FALSE;
  *lpCPInfoEx = (CPINFOEXW){.MaxCharSize = basic.MaxCharSize, .DefaultChar = {'?'}, .CodePage = BaseResolveCodePage(CodePage)};
  lpCPInfoEx->UnicodeDefaultChar = lpCPInfoEx->CodePage == CP_UTF8 ? REPLACEMENT : '?';
  for (ULONG i = 0; i < ARRAYSIZE(page_names); i++)
    for (ULONG j = 0; page_names[i].page == lpCPInfoEx->CodePage && page_names[i].name[j]; j++)
      lpCPInfoEx->CodePageName[j] = (UCHAR)page_names[i].name[j];
  return TRUE;
}

WINBOOL WINAPI GetCPInfoExA(UINT CodePage, DWORD dwFlags, LPCPINFOEXA lpCPInfoEx)
{
  CPINFOEXW wide;
  if (!lpCPInfoEx)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (!GetCPInfoExW(CodePage, dwFlags, &wide))
    return FALSE;
  *lpCPInfoEx = (CPINFOEXA){.MaxCharSize = wide.MaxCharSize, .DefaultChar = {'?'}, .CodePage = wide.CodePage};
  lpCPInfoEx->UnicodeDefaultChar = wide.UnicodeDefaultChar;
  for (ULONG i = 0; wide.CodePageName[i]; i++)
    lpCPInfoEx->CodePageName[i] = (CHAR)wide.CodePageName[i];
  return TRUE;
}

WINBOOL WINAPI EnumSystemCodePagesW(CODEPAGE_ENUMPROCW lpCodePageEnumProc, DWORD dwFlags)
{
  if (!lpCodePageEnumProc)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (dwFlags != CP_INSTALLED && dwFlags != CP_SUPPORTED)
    return base_fail(ERROR_INVALID_FLAGS);
  for (ULONG i = 0; i < ARRAYSIZE(page_names); i++) {
    WCHAR digits[6] = {0};
    for (ULONG j = 0; page_names[i].name[j] > ' '; j++)
      digits[j] = (UCHAR)page_names[i].name[j];
    if (!lpCodePageEnumProc(digits))
      break;
  }
  return TRUE;
}
