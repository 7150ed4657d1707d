/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of characters, case, order: exact for Latin-1; of the rest of Unicode only letters with case are known. */
#include "kernel32p.h"

static WCHAR lower(WCHAR c)
{
  if ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7))
    return c + 32;
  if (c < 0x100)
    return c;
  if (c == 0x178)
    return 0xFF;
  /* Latin Extended-A: pairs that begin at even numbers, at odd ones from 139 to 148 and 179 to 17E. */
  if (c < 0x180 && c != 0x130 && c != 0x138 && c != 0x149 && c != 0x17F) {
    BOOL odd = (c >= 0x139 && c <= 0x148) || c >= 0x179;
    return (c & 1) == (odd ? 1 : 0) ? c + 1 : c;
  }
  if ((c >= 0x391 && c <= 0x3A9 && c != 0x3A2) || (c >= 0x410 && c <= 0x42F))
    return c + 32;
  return c >= 0x400 && c <= 0x40F ? c + 80 : c;
}

static WCHAR upper(WCHAR c)
{
  if (c >= 'a' && c <= 'z')
    return c - 32;
  if (c < 0xE0)
    return c;
  if (c == 0xFF)
    return 0x178;
  if (c < 0x100)
    return c == 0xF7 ? c : c - 32;
  if (c < 0x180)
    return lower(c - 1) == c ? c - 1 : c;
  return RtlUpcaseUnicodeChar(c);
}

static BOOL is_letter(WCHAR c)
{
  if (c < 0x100)
    return lower(c) != c || (c >= 'a' && c <= 'z') || c == 0xAA || c == 0xB5 || c == 0xBA || (c >= 0xDF && c != 0xF7);
  return (c < 0x250) || (c >= 0x370 && c <= 0x3FF) || (c >= 0x400 && c <= 0x52F) || (c >= 0x5D0 && c <= 0x5EA) ||
         (c >= 0x621 && c <= 0x64A) || (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) ||
         (c >= 0xAC00 && c <= 0xD7A3);
}

static WORD type1(WCHAR c)
{
  if (is_letter(c)) {
    WORD kind = C1_ALPHA | C1_DEFINED;
    if (lower(c) != c)
      return kind | C1_UPPER | (c >= 'A' && c <= 'F' ? C1_XDIGIT : 0);
    if (upper(c) != c || c == 0xDF || c == 0xAA || c == 0xB5 || c == 0xBA)
      kind |= C1_LOWER;
    return kind | (c >= 'a' && c <= 'f' ? C1_XDIGIT : 0);
  }
  if (c >= '0' && c <= '9')
    return C1_DIGIT | C1_XDIGIT | C1_DEFINED;
  if (c == 0xB2 || c == 0xB3 || c == 0xB9)
    return C1_DIGIT | C1_PUNCT | C1_DEFINED;
  if (c == '\t')
    return C1_SPACE | C1_BLANK | C1_CNTRL | C1_DEFINED;
  if (c == ' ' || c == 0xA0 || c == 0x3000)
    return C1_SPACE | C1_BLANK | C1_DEFINED;
  if ((c >= '\n' && c <= '\r') || c == 0x85)
    return C1_SPACE | C1_CNTRL | C1_DEFINED;
  if (c < ' ' || (c >= 0x7F && c < 0xA0))
    return C1_CNTRL | C1_DEFINED;
  if (c == 0xAD)
    return C1_CNTRL | C1_PUNCT | C1_DEFINED;
  if (c < 0x100 || (c >= 0x2000 && c < 0x2C00))
    return C1_PUNCT | C1_DEFINED;
  return (c & 0xF800) == 0xD800 ? 0 : C1_DEFINED;
}

static WORD type2(WCHAR c)
{
  if (is_letter(c))
    return C2_LEFTTORIGHT;
  if ((c >= '0' && c <= '9') || c == 0xB2 || c == 0xB3 || c == 0xB9)
    return C2_EUROPENUMBER;
  switch (c) {
  case '\n':
  case '\r':
  case 0x1C:
  case 0x1D:
  case 0x1E:
  case 0x85:
    return C2_BLOCKSEPARATOR;
  case '\t':
  case 0xB:
  case 0x1F:
    return C2_SEGMENTSEPARATOR;
  case '\f':
  case ' ':
    return C2_WHITESPACE;
  case '+':
  case '-':
    return C2_EUROPESEPARATOR;
  case '#':
  case '$':
  case '%':
  case 0xA2:
  case 0xA3:
  case 0xA4:
  case 0xA5:
  case 0xB0:
  case 0xB1:
    return C2_EUROPETERMINATOR;
  case ',':
  case '.':
  case '/':
  case ':':
  case 0xA0:
    return C2_COMMONSEPARATOR;
  default:
    return type1(c) & C1_CNTRL ? C2_NOTAPPLICABLE : C2_OTHERNEUTRAL;
  }
}

static WORD type3(WCHAR c)
{
  if (is_letter(c))
    return C3_ALPHA | (c >= 0xC0 && c < 0x180 && c != 0xC6 && c != 0xD0 && c != 0xD8 && c != 0xDE && c != 0xDF && c != 0xE6 &&
                               c != 0xF0 && c != 0xF8 && c != 0xFE
                           ? C3_DIACRITIC
                           : 0);
  if (type1(c) & (C1_CNTRL | C1_DIGIT) && !(type1(c) & C1_PUNCT))
    return 0;
  return c < 0x100 ? C3_SYMBOL : (WORD)(c >= 0x2000 ? C3_SYMBOL : C3_NOTAPPLICABLE);
}

WINBOOL WINAPI GetStringTypeW(DWORD dwInfoType, LPCWCH lpSrcStr, int cchSrc, LPWORD lpCharType)
{
  WORD (*kind)(WCHAR) = dwInfoType == CT_CTYPE1   ? type1
                        : dwInfoType == CT_CTYPE2 ? type2
                        : dwInfoType == CT_CTYPE3 ? type3
                                                  : NULL;
  if (!lpSrcStr || !lpCharType || !cchSrc || (const void *)lpSrcStr == lpCharType || !kind)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (cchSrc < 0)
    cchSrc = (int)base_length(lpSrcStr) + 1;
  for (int i = 0; i < cchSrc; i++)
    lpCharType[i] = kind(lpSrcStr[i]);
  return TRUE;
}

WINBOOL WINAPI GetStringTypeExW(LCID Locale, DWORD dwInfoType, LPCWCH lpSrcStr, int cchSrc, LPWORD lpCharType)
{
  (void)Locale;
  return GetStringTypeW(dwInfoType, lpSrcStr, cchSrc, lpCharType);
}

WINBOOL WINAPI GetStringTypeA(LCID Locale, DWORD dwInfoType, LPCSTR lpSrcStr, int cchSrc, LPWORD lpCharType)
{
  int length;
  (void)Locale;
  if (!lpSrcStr || !lpCharType || !cchSrc)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (cchSrc < 0)
    for (cchSrc = 0; lpSrcStr[cchSrc++];)
      ;
  /* In pieces: the text may be of any length. */
  for (; cchSrc > 0; cchSrc -= length, lpSrcStr += length, lpCharType += length) {
    WCHAR wide[256];
    length = cchSrc < 256 ? cchSrc : 256;
    MultiByteToWideChar(CP_ACP, 0, lpSrcStr, length, wide, 256);
    if (!GetStringTypeW(dwInfoType, wide, length, lpCharType))
      return FALSE;
  }
  return TRUE;
}

WINBOOL WINAPI GetStringTypeExA(LCID Locale, DWORD dwInfoType, LPCSTR lpSrcStr, int cchSrc, LPWORD lpCharType)
{
  return GetStringTypeA(Locale, dwInfoType, lpSrcStr, cchSrc, lpCharType);
}

/* ---- order: letters without marks and case, then marks, then case, then hyphens and apostrophes ---- */

static const char bases[] = "AAAAAAACEEEEIIIIDNOOOOO*OUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty";

/* Rank of a character without its mark and case; 0: one that only breaks ties. */
static ULONG primary(WCHAR c, DWORD flags)
{
  if ((c == '-' || c == '\'' || c == 0xAD) && !(flags & SORT_STRINGSORT))
    return 0;
  if (c == 0 || (type1(c) & C1_CNTRL && !(type1(c) & C1_SPACE)))
    return 0;
  if ((flags & NORM_IGNORESYMBOLS) && (type1(c) & (C1_PUNCT | C1_SPACE)))
    return 0;
  if (c >= 0xC0 && c <= 0xFF && c != 0xD7 && c != 0xF7)
    c = (UCHAR)bases[c - 0xC0];
  if (is_letter(c))
    return 0x30000u + upper(c);
  return (c >= '0' && c <= '9' ? 0x20000u : 0x10000u) + c;
}

/* 0: no mark. */
static ULONG secondary(WCHAR c) { return c >= 0xC0 && c <= 0xFF && c != 0xD7 && c != 0xF7 ? lower(c) : 0; }

static int next_ranked(LPCWSTR text, int length, int at, DWORD flags)
{
  while (at < length && !primary(text[at], flags))
    at++;
  return at;
}

static int order(ULONG a, ULONG b) { return a < b ? CSTR_LESS_THAN : a > b ? CSTR_GREATER_THAN : CSTR_EQUAL; }

static int compare(DWORD flags, LPCWSTR a, int a_length, LPCWSTR b, int b_length)
{
  int marks = CSTR_EQUAL, cases = CSTR_EQUAL, ties = CSTR_EQUAL, i = 0, j = 0;
  for (;; i++, j++) {
    i = next_ranked(a, a_length, i, flags), j = next_ranked(b, b_length, j, flags);
    if (i >= a_length || j >= b_length)
      break;
    int rank = order(primary(a[i], flags), primary(b[j], flags));
    if (rank != CSTR_EQUAL)
      return rank;
    if (marks == CSTR_EQUAL)
      marks = order(secondary(a[i]), secondary(b[j]));
    if (cases == CSTR_EQUAL)
      cases = order(lower(a[i]) != a[i], lower(b[j]) != b[j]);
  }
  if (i < a_length || j < b_length)
    return i < a_length ? CSTR_GREATER_THAN : CSTR_LESS_THAN;
  if (marks != CSTR_EQUAL && !(flags & (NORM_IGNORENONSPACE | LINGUISTIC_IGNOREDIACRITIC)))
    return marks;
  if (cases != CSTR_EQUAL && !(flags & (NORM_IGNORECASE | LINGUISTIC_IGNORECASE)))
    return cases;
  if (!(flags & (NORM_IGNORESYMBOLS))) {
    int x = 0, y = 0;
    while (x < a_length && y < b_length && ties == CSTR_EQUAL) {
      /* The same place with and without a hyphen: the one without comes first. */
      BOOL hyphen_a = !primary(a[x], flags) && a[x], hyphen_b = !primary(b[y], flags) && b[y];
      ties = order(hyphen_a, hyphen_b);
      x++, y++;
    }
    if (ties == CSTR_EQUAL)
      ties = order((ULONG)(a_length - x), (ULONG)(b_length - y));
  }
  return ties;
}

int WINAPI CompareStringEx(LPCWSTR lpLocaleName, DWORD dwCmpFlags, LPCWCH lpString1, int cchCount1, LPCWCH lpString2,
                           int cchCount2, LPNLSVERSIONINFO lpVersionInformation, LPVOID lpReserved, LPARAM lParam)
{
  (void)lpLocaleName, (void)lpVersionInformation, (void)lpReserved, (void)lParam;
  if (!lpString1 || !lpString2 || cchCount1 < -1 || cchCount2 < -1)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (dwCmpFlags & ~(NORM_IGNORECASE | NORM_IGNORENONSPACE | NORM_IGNORESYMBOLS | NORM_IGNOREKANATYPE | NORM_IGNOREWIDTH |
                     SORT_STRINGSORT | SORT_DIGITSASNUMBERS | LINGUISTIC_IGNORECASE | LINGUISTIC_IGNOREDIACRITIC |
                     NORM_LINGUISTIC_CASING | LOCALE_USE_CP_ACP | LOCALE_NOUSEROVERRIDE))
    return base_fail(ERROR_INVALID_FLAGS);
  return compare(dwCmpFlags, lpString1, cchCount1 < 0 ? (int)base_length(lpString1) : cchCount1, lpString2,
                 cchCount2 < 0 ? (int)base_length(lpString2) : cchCount2);
}

int WINAPI CompareStringW(LCID Locale, DWORD dwCmpFlags, PCNZWCH lpString1, int cchCount1, PCNZWCH lpString2, int cchCount2)
{
  (void)Locale;
  return CompareStringEx(NULL, dwCmpFlags, lpString1, cchCount1, lpString2, cchCount2, NULL, NULL, 0);
}

int WINAPI CompareStringOrdinal(LPCWCH lpString1, int cchCount1, LPCWCH lpString2, int cchCount2, WINBOOL bIgnoreCase)
{
  if (!lpString1 || !lpString2 || cchCount1 < -1 || cchCount2 < -1)
    return base_fail(ERROR_INVALID_PARAMETER);
  int a = cchCount1 < 0 ? (int)base_length(lpString1) : cchCount1, b = cchCount2 < 0 ? (int)base_length(lpString2) : cchCount2;
  for (int i = 0; i < a && i < b; i++) {
    WCHAR x = bIgnoreCase ? upper(lpString1[i]) : lpString1[i], y = bIgnoreCase ? upper(lpString2[i]) : lpString2[i];
    if (x != y)
      return x < y ? CSTR_LESS_THAN : CSTR_GREATER_THAN;
  }
  return order((ULONG)a, (ULONG)b);
}

/* ---- maps ---- */

static BYTE *key_byte(BYTE *to, int room, int *made, ULONG value)
{
  if (*made < room)
    to[*made] = (BYTE)value;
  ++*made;
  return to;
}

/* Ranks, 01, marks, 01, case, 01, 01, ties, 00: memcmp of two keys is the order of the texts. */
static int sort_key(DWORD flags, LPCWSTR text, int length, BYTE *to, int room)
{
  int made = 0, last;
  for (int i = 0; i < length; i++) {
    ULONG rank = primary(text[i], flags);
    if (!rank)
      continue;
    /* No byte of a rank is below 2. */
    key_byte(to, room, &made, (rank >> 16) + 2);
    key_byte(to, room, &made, (rank >> 8 & 0xFF) / 2 + 2);
    key_byte(to, room, &made, (rank >> 8 & 1) + 2);
    key_byte(to, room, &made, (rank & 0xFF) / 2 + 2);
    key_byte(to, room, &made, (rank & 1) + 2);
  }
  key_byte(to, room, &made, 1);
  last = made;
  for (int i = 0; i < length && !(flags & (NORM_IGNORENONSPACE | LINGUISTIC_IGNOREDIACRITIC)); i++)
    if (primary(text[i], flags)) {
      key_byte(to, room, &made, secondary(text[i]) ? secondary(text[i]) : 2);
      last = secondary(text[i]) ? made : last;
    }
  made = last;
  key_byte(to, room, &made, 1);
  last = made;
  for (int i = 0; i < length && !(flags & (NORM_IGNORECASE | LINGUISTIC_IGNORECASE)); i++)
    if (primary(text[i], flags)) {
      key_byte(to, room, &made, lower(text[i]) != text[i] ? 18 : 2);
      last = lower(text[i]) != text[i] ? made : last;
    }
  made = last;
  key_byte(to, room, &made, 1);
  key_byte(to, room, &made, 1);
  for (int i = 0; i < length && !(flags & NORM_IGNORESYMBOLS); i++)
    if (!primary(text[i], flags) && text[i]) {
      key_byte(to, room, &made, 0x80);
      key_byte(to, room, &made, (ULONG)(i < 0xF0 ? i : 0xF0) + 7);
      key_byte(to, room, &made, 6);
      key_byte(to, room, &made, text[i] == '\'' ? 0x80 : 0x82);
    }
  key_byte(to, room, &made, 0);
  if (!room || made <= room)
    return made;
  return base_fail(ERROR_INSUFFICIENT_BUFFER);
}

#define LCMAP_CASE (LCMAP_LOWERCASE | LCMAP_UPPERCASE)
#define LCMAP_KNOWN                                                                                                         \
  (LCMAP_CASE | LCMAP_SORTKEY | LCMAP_BYTEREV | LCMAP_HASH | LCMAP_LINGUISTIC_CASING | LCMAP_FULLWIDTH | LCMAP_HALFWIDTH |    \
   LCMAP_HIRAGANA | LCMAP_KATAKANA | LCMAP_SIMPLIFIED_CHINESE | LCMAP_TRADITIONAL_CHINESE | NORM_IGNORECASE |               \
   NORM_IGNORENONSPACE | NORM_IGNORESYMBOLS | NORM_IGNOREKANATYPE | NORM_IGNOREWIDTH | SORT_STRINGSORT |                    \
   LINGUISTIC_IGNORECASE | LINGUISTIC_IGNOREDIACRITIC | NORM_LINGUISTIC_CASING | SORT_DIGITSASNUMBERS | LOCALE_USE_CP_ACP | \
   LOCALE_NOUSEROVERRIDE)

int WINAPI LCMapStringEx(LPCWSTR lpLocaleName, DWORD dwMapFlags, LPCWSTR lpSrcStr, int cchSrc, LPWSTR lpDestStr, int cchDest,
                         LPNLSVERSIONINFO lpVersionInformation, LPVOID lpReserved, LPARAM sortHandle)
{
  int made = 0;
  (void)lpLocaleName, (void)lpVersionInformation, (void)lpReserved, (void)sortHandle;
  if (!lpSrcStr || !cchSrc || cchDest < 0 || (cchDest && !lpDestStr))
    return base_fail(ERROR_INVALID_PARAMETER);
  if ((dwMapFlags & ~LCMAP_KNOWN) || (dwMapFlags & LCMAP_CASE) == LCMAP_CASE ||
      ((dwMapFlags & LCMAP_SORTKEY) && (dwMapFlags & LCMAP_CASE)))
    return base_fail(ERROR_INVALID_FLAGS);
  if (cchSrc < 0)
    cchSrc = (int)base_length(lpSrcStr) + 1;
  if (dwMapFlags & LCMAP_SORTKEY) {
    while (cchSrc && !lpSrcStr[cchSrc - 1])
      cchSrc--;
    return sort_key(dwMapFlags, lpSrcStr, cchSrc, (BYTE *)lpDestStr, cchDest);
  }
  if (lpSrcStr == lpDestStr && !(dwMapFlags & LCMAP_CASE))
    return base_fail(ERROR_INVALID_FLAGS);
  for (int i = 0; i < cchSrc; i++) {
    WCHAR c = lpSrcStr[i];
    if ((dwMapFlags & NORM_IGNORESYMBOLS) && (type1(c) & C1_PUNCT))
      continue;
    if (cchDest && made >= cchDest)
      return base_fail(ERROR_INSUFFICIENT_BUFFER);
    if (cchDest)
      lpDestStr[made] = dwMapFlags & LCMAP_LOWERCASE ? lower(c) : dwMapFlags & LCMAP_UPPERCASE ? upper(c) : c;
    made++;
  }
  return made;
}

int WINAPI LCMapStringW(LCID Locale, DWORD dwMapFlags, LPCWSTR lpSrcStr, int cchSrc, LPWSTR lpDestStr, int cchDest)
{
  (void)Locale;
  return LCMapStringEx(NULL, dwMapFlags, lpSrcStr, cchSrc, lpDestStr, cchDest, NULL, NULL, 0);
}

/* A wide copy of ANSI text, from the heap; *length is its length then. */
static WCHAR *widen(LPCSTR text, int *length)
{
  if (*length < 0)
    for (*length = 0; text[(*length)++];)
      ;
  WCHAR *wide = base_allocate(((SIZE_T)*length + 1) * sizeof(WCHAR));
  if (!wide)
    return NULL;
  if (*length)
    MultiByteToWideChar(CP_ACP, 0, text, *length, wide, *length);
  wide[*length] = 0;
  return wide;
}

int WINAPI LCMapStringA(LCID Locale, DWORD dwMapFlags, LPCSTR lpSrcStr, int cchSrc, LPSTR lpDestStr, int cchDest)
{
  if (!lpSrcStr || !cchSrc || cchDest < 0 || (cchDest && !lpDestStr))
    return base_fail(ERROR_INVALID_PARAMETER);
  WCHAR *wide = widen(lpSrcStr, &cchSrc), *mapped = NULL;
  int made = 0;
  if (!wide)
    return 0;
  if (dwMapFlags & LCMAP_SORTKEY) {
    made = LCMapStringW(Locale, dwMapFlags, wide, cchSrc, (LPWSTR)lpDestStr, cchDest);
  } else if (LCMapStringW(Locale, dwMapFlags, wide, cchSrc, NULL, 0)) {
    mapped = base_allocate((SIZE_T)cchSrc * sizeof(WCHAR));
    if (mapped) {
      made = LCMapStringW(Locale, dwMapFlags, wide, cchSrc, mapped, cchSrc);
      made = WideCharToMultiByte(CP_ACP, 0, mapped, made, lpDestStr, cchDest, NULL, NULL);
      base_free(mapped);
    }
  }
  base_free(wide);
  return made;
}

int WINAPI CompareStringA(LCID Locale, DWORD dwCmpFlags, PCNZCH lpString1, int cchCount1, PCNZCH lpString2, int cchCount2)
{
  if (!lpString1 || !lpString2 || cchCount1 < -1 || cchCount2 < -1)
    return base_fail(ERROR_INVALID_PARAMETER);
  BOOL whole1 = cchCount1 < 0, whole2 = cchCount2 < 0;
  int result = 0;
  WCHAR *a = widen(lpString1, &cchCount1), *b = widen(lpString2, &cchCount2);
  if (a && b)
    result = CompareStringW(Locale, dwCmpFlags, a, whole1 ? -1 : cchCount1, b, whole2 ? -1 : cchCount2);
  base_free(a);
  base_free(b);
  return result;
}

int WINAPI FoldStringW(DWORD dwMapFlags, LPCWCH lpSrcStr, int cchSrc, LPWSTR lpDestStr, int cchDest)
{
  if (!lpSrcStr || !cchSrc || cchDest < 0 || (cchDest && !lpDestStr) || lpSrcStr == lpDestStr)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (dwMapFlags & ~(MAP_FOLDDIGITS | MAP_PRECOMPOSED | MAP_FOLDCZONE))
    return base_fail(ERROR_INVALID_FLAGS);
  if (cchSrc < 0)
    cchSrc = (int)base_length(lpSrcStr) + 1;
  if (cchDest && cchDest < cchSrc)
    return base_fail(ERROR_INSUFFICIENT_BUFFER);
  for (int i = 0; cchDest && i < cchSrc; i++) {
    WCHAR c = lpSrcStr[i];
    if ((dwMapFlags & MAP_FOLDDIGITS) && (c == 0xB2 || c == 0xB3 || c == 0xB9))
      c = c == 0xB9 ? '1' : (WCHAR)(c - 0xB0 + '0');
    if ((dwMapFlags & MAP_FOLDCZONE) && c >= 0xFF01 && c <= 0xFF5E)
      c -= 0xFEE0;
    lpDestStr[i] = c;
  }
  return cchSrc;
}
