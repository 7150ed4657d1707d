/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The C library's functions of texts and characters (the C locale), as ntdll exports them: each in both widths. */
#define _CRTIMP /* they are here, not imported */
#include "ntdllp.h"

#define UNSIGNED_OF(c) _Generic((c), char : (UCHAR)(c), default : (WCHAR)(c))

static int lower(int c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }
static int upper(int c) { return c >= 'a' && c <= 'z' ? c - 32 : c; }

#define TEXT_FUNCTIONS(CHAR, PREFIX)                                                                                   \
  size_t PREFIX##len(const CHAR *text)                                                                                 \
  {                                                                                                                    \
    size_t length = 0;                                                                                                 \
    while (text[length])                                                                                               \
      length++;                                                                                                        \
    return length;                                                                                                     \
  }                                                                                                                    \
  size_t PREFIX##nlen(const CHAR *text, size_t most)                                                                   \
  {                                                                                                                    \
    size_t length = 0;                                                                                                 \
    while (length < most && text[length])                                                                              \
      length++;                                                                                                        \
    return length;                                                                                                     \
  }                                                                                                                    \
  int PREFIX##ncmp(const CHAR *a, const CHAR *b, size_t most)                                                          \
  {                                                                                                                    \
    for (; most; a++, b++, most--)                                                                                     \
      if (*a != *b || !*a)                                                                                             \
        return UNSIGNED_OF(*a) < UNSIGNED_OF(*b) ? -1 : UNSIGNED_OF(*a) > UNSIGNED_OF(*b);                             \
    return 0;                                                                                                          \
  }                                                                                                                    \
  int PREFIX##cmp(const CHAR *a, const CHAR *b) { return PREFIX##ncmp(a, b, (size_t)-1); }                             \
  CHAR *PREFIX##cpy(CHAR *to, const CHAR *from)                                                                        \
  {                                                                                                                    \
    memcpy(to, from, (PREFIX##len(from) + 1) * sizeof(CHAR));                                                          \
    return to;                                                                                                         \
  }                                                                                                                    \
  CHAR *PREFIX##cat(CHAR *to, const CHAR *from)                                                                        \
  {                                                                                                                    \
    PREFIX##cpy(to + PREFIX##len(to), from);                                                                           \
    return to;                                                                                                         \
  }                                                                                                                    \
  CHAR *PREFIX##ncpy(CHAR *to, const CHAR *from, size_t count)                                                         \
  {                                                                                                                    \
    size_t length = PREFIX##nlen(from, count);                                                                         \
    memcpy(to, from, length * sizeof(CHAR));                                                                           \
    memset(to + length, 0, (count - length) * sizeof(CHAR));                                                           \
    return to;                                                                                                         \
  }                                                                                                                    \
  CHAR *PREFIX##ncat(CHAR *to, const CHAR *from, size_t most)                                                          \
  {                                                                                                                    \
    size_t length = PREFIX##nlen(from, most);                                                                          \
    CHAR *end = to + PREFIX##len(to);                                                                                  \
    memcpy(end, from, length * sizeof(CHAR));                                                                          \
    end[length] = 0;                                                                                                   \
    return to;                                                                                                         \
  }                                                                                                                    \
  static CHAR *find_character_##PREFIX(const CHAR *text, CHAR c)                                                       \
  {                                                                                                                    \
    for (; *text != c; text++)                                                                                         \
      if (!*text)                                                                                                      \
        return NULL;                                                                                                   \
    return (CHAR *)text;                                                                                               \
  }                                                                                                                    \
  static CHAR *find_last_##PREFIX(const CHAR *text, CHAR c)                                                            \
  {                                                                                                                    \
    const CHAR *at = text + PREFIX##len(text);                                                                         \
    for (; *at != c; at--)                                                                                             \
      if (at == text)                                                                                                  \
        return NULL;                                                                                                   \
    return (CHAR *)at;                                                                                                 \
  }                                                                                                                    \
  size_t PREFIX##cspn(const CHAR *text, const CHAR *set)                                                               \
  {                                                                                                                    \
    size_t length = 0;                                                                                                 \
    while (text[length] && !find_character_##PREFIX(set, text[length]))                                                \
      length++;                                                                                                        \
    return length;                                                                                                     \
  }                                                                                                                    \
  size_t PREFIX##spn(const CHAR *text, const CHAR *set)                                                                \
  {                                                                                                                    \
    size_t length = 0;                                                                                                 \
    while (text[length] && find_character_##PREFIX(set, text[length]))                                                 \
      length++;                                                                                                        \
    return length;                                                                                                     \
  }                                                                                                                    \
  CHAR *PREFIX##pbrk(const CHAR *text, const CHAR *set)                                                                \
  {                                                                                                                    \
    text += PREFIX##cspn(text, set);                                                                                   \
    return *text ? (CHAR *)text : NULL;                                                                                \
  }                                                                                                                    \
  CHAR *PREFIX##str(const CHAR *text, const CHAR *part)                                                                \
  {                                                                                                                    \
    size_t length = PREFIX##len(part);                                                                                 \
    for (; PREFIX##ncmp(text, part, length); text++)                                                                   \
      if (!*text)                                                                                                      \
        return NULL;                                                                                                   \
    return (CHAR *)text;                                                                                               \
  }                                                                                                                    \
  static int compare_caseless_##PREFIX(const CHAR *a, const CHAR *b, size_t most)                                      \
  {                                                                                                                    \
    for (; most; a++, b++, most--) {                                                                                   \
      int left = lower(UNSIGNED_OF(*a)), right = lower(UNSIGNED_OF(*b));                                               \
      if (left != right || !left)                                                                                      \
        return left - right;                                                                                           \
    }                                                                                                                  \
    return 0;                                                                                                          \
  }

TEXT_FUNCTIONS(char, str)
TEXT_FUNCTIONS(WCHAR, wcs)

char *strchr(const char *text, int c) { return find_character_str(text, (char)c); }
WCHAR *wcschr(const WCHAR *text, WCHAR c) { return find_character_wcs(text, c); }
char *strrchr(const char *text, int c) { return find_last_str(text, (char)c); }
WCHAR *wcsrchr(const WCHAR *text, WCHAR c) { return find_last_wcs(text, c); }
int _stricmp(const char *a, const char *b) { return compare_caseless_str(a, b, (size_t)-1); }
int _strcmpi(const char *a, const char *b) { return compare_caseless_str(a, b, (size_t)-1); }
int _strnicmp(const char *a, const char *b, size_t most) { return compare_caseless_str(a, b, most); }
int _wcsicmp(const WCHAR *a, const WCHAR *b) { return compare_caseless_wcs(a, b, (size_t)-1); }
int _wcsnicmp(const WCHAR *a, const WCHAR *b, size_t most) { return compare_caseless_wcs(a, b, most); }

#define CHANGE_CASE(NAME, CHAR, HOW)                                                                                   \
  CHAR *NAME(CHAR *text)                                                                                               \
  {                                                                                                                    \
    for (CHAR *c = text; *c; c++)                                                                                      \
      *c = (CHAR)HOW(UNSIGNED_OF(*c));                                                                                 \
    return text;                                                                                                       \
  }
CHANGE_CASE(_strlwr, char, lower)
CHANGE_CASE(_strupr, char, upper)
CHANGE_CASE(_wcslwr, WCHAR, lower)
CHANGE_CASE(_wcsupr, WCHAR, upper)

void *memchr(const void *bytes, int c, size_t size)
{
  for (const UCHAR *at = bytes; size--; at++)
    if (*at == (UCHAR)c)
      return (void *)at;
  return NULL;
}

int _memicmp(const void *a, const void *b, size_t size)
{
  for (const UCHAR *left = a, *right = b; size--; left++, right++)
    if (lower(*left) != lower(*right))
      return lower(*left) - lower(*right);
  return 0;
}

/* ---- characters ---- */

int tolower(int c) { return lower(c); }
int toupper(int c) { return upper(c); }
WCHAR towlower(WCHAR c) { return RtlDowncaseUnicodeChar(c); }
WCHAR towupper(WCHAR c) { return RtlUpcaseUnicodeChar(c); }
int isdigit(int c) { return c >= '0' && c <= '9'; }
int isupper(int c) { return c >= 'A' && c <= 'Z'; }
int islower(int c) { return c >= 'a' && c <= 'z'; }
int isalpha(int c) { return isupper(c) || islower(c); }
int isalnum(int c) { return isalpha(c) || isdigit(c); }
int isspace(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
int isxdigit(int c) { return isdigit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }
int isprint(int c) { return c >= ' ' && c < 0x7F; }
int isgraph(int c) { return c > ' ' && c < 0x7F; }
int iscntrl(int c) { return (c >= 0 && c < ' ') || c == 0x7F; }
int ispunct(int c) { return isgraph(c) && !isalnum(c); }
int(iswdigit)(WCHAR c) { return isdigit(c); }
int(iswalpha)(WCHAR c) { return isalpha(c) || RtlUpcaseUnicodeChar(c) != c || RtlDowncaseUnicodeChar(c) != c; }
int(iswspace)(WCHAR c) { return isspace(c) || c == 0xA0; }
int(iswxdigit)(WCHAR c) { return isxdigit(c); }
