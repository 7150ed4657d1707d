/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The locale: en-US is the system's and the user's, and there are its parent (en) and the invariant one, which have the same
 * formats here. */
#include "kernel32p.h"

#define LCID_EN_US 0x409u
#define LCID_EN 0x9u

/* What a kind of information says; numbers are decimal texts but for those of `hexadecimal`. */
static const struct {
  USHORT type;
  const char *text;
} facts[] = {
    {LOCALE_ILANGUAGE, "0409"},
    {LOCALE_SLANGUAGE, "English (United States)"},
    {LOCALE_SABBREVLANGNAME, "ENU"},
    {LOCALE_SNATIVELANGNAME, "English"},
    {LOCALE_ICOUNTRY, "1"},
    {LOCALE_SCOUNTRY, "United States"},
    {LOCALE_SABBREVCTRYNAME, "USA"},
    {LOCALE_SNATIVECTRYNAME, "United States"},
    {LOCALE_IDEFAULTLANGUAGE, "0409"},
    {LOCALE_IDEFAULTCOUNTRY, "1"},
    {LOCALE_IDEFAULTCODEPAGE, "437"},
    {LOCALE_SLIST, ","},
    {LOCALE_IMEASURE, "1"},
    {LOCALE_SDECIMAL, "."},
    {LOCALE_STHOUSAND, ","},
    {LOCALE_SGROUPING, "3;0"},
    {LOCALE_IDIGITS, "2"},
    {LOCALE_ILZERO, "1"},
    {LOCALE_SNATIVEDIGITS, "0123456789"},
    {LOCALE_SCURRENCY, "$"},
    {LOCALE_SINTLSYMBOL, "USD"},
    {LOCALE_SMONDECIMALSEP, "."},
    {LOCALE_SMONTHOUSANDSEP, ","},
    {LOCALE_SMONGROUPING, "3;0"},
    {LOCALE_ICURRDIGITS, "2"},
    {LOCALE_IINTLCURRDIGITS, "2"},
    {LOCALE_ICURRENCY, "0"},
    {LOCALE_INEGCURR, "0"},
    {LOCALE_SDATE, "/"},
    {LOCALE_STIME, ":"},
    {LOCALE_SSHORTDATE, "M/d/yyyy"},
    {LOCALE_SLONGDATE, "dddd, MMMM d, yyyy"},
    {LOCALE_IDATE, "0"},
    {LOCALE_ILDATE, "0"},
    {LOCALE_ITIME, "0"},
    {LOCALE_ICENTURY, "1"},
    {LOCALE_ITLZERO, "0"},
    {LOCALE_IDAYLZERO, "0"},
    {LOCALE_IMONLZERO, "0"},
    {LOCALE_S1159, "AM"},
    {LOCALE_S2359, "PM"},
    {LOCALE_SPOSITIVESIGN, ""},
    {LOCALE_SNEGATIVESIGN, "-"},
    {LOCALE_IPOSSIGNPOSN, "3"},
    {LOCALE_INEGSIGNPOSN, "0"},
    {LOCALE_IPOSSYMPRECEDES, "1"},
    {LOCALE_IPOSSEPBYSPACE, "0"},
    {LOCALE_INEGSYMPRECEDES, "1"},
    {LOCALE_INEGSEPBYSPACE, "0"},
    {LOCALE_SISO639LANGNAME, "en"},
    {LOCALE_SISO3166CTRYNAME, "US"},
    {LOCALE_IGEOID, "244"},
    {LOCALE_SNAME, "en-US"},
    {LOCALE_SDURATION, "h:mm:ss"},
    {LOCALE_SISO639LANGNAME2, "eng"},
    {LOCALE_SISO3166CTRYNAME2, "USA"},
    {LOCALE_SNAN, "NaN"},
    {LOCALE_SSCRIPTS, "Latn;"},
    {LOCALE_SPARENT, "en"},
    {LOCALE_SLOCALIZEDLANGUAGENAME, "English"},
    {LOCALE_IREADINGLAYOUT, "0"},
    {LOCALE_INEUTRAL, "0"},
    {LOCALE_SENGLISHDISPLAYNAME, "English (United States)"},
    {LOCALE_SNATIVEDISPLAYNAME, "English (United States)"},
    {LOCALE_INEGATIVEPERCENT, "0"},
    {LOCALE_IPOSITIVEPERCENT, "0"},
    {LOCALE_SPERCENT, "%"},
    {LOCALE_SMONTHDAY, "MMMM d"},
    {LOCALE_SSHORTTIME, "h:mm tt"},
    {LOCALE_SENGLANGUAGE, "English"},
    {LOCALE_SENGCOUNTRY, "United States"},
    {LOCALE_STIMEFORMAT, "h:mm:ss tt"},
    {LOCALE_IDEFAULTANSICODEPAGE, "1252"},
    {LOCALE_ITIMEMARKPOSN, "0"},
    {LOCALE_SYEARMONTH, "MMMM yyyy"},
    {LOCALE_SENGCURRNAME, "US Dollar"},
    {LOCALE_SNATIVECURRNAME, "US Dollar"},
    {LOCALE_ICALENDARTYPE, "1"},
    {LOCALE_IPAPERSIZE, "1"},
    {LOCALE_IOPTIONALCALENDAR, "0"},
    {LOCALE_IFIRSTDAYOFWEEK, "6"},
    {LOCALE_IFIRSTWEEKOFYEAR, "0"},
    {LOCALE_SMONTHNAME13, ""},
    {LOCALE_SABBREVMONTHNAME13, ""},
    {LOCALE_INEGNUMBER, "1"},
    {LOCALE_IDEFAULTMACCODEPAGE, "10000"},
    {LOCALE_IDEFAULTEBCDICCODEPAGE, "037"},
    {LOCALE_SSORTNAME, "Default"},
    {LOCALE_IDIGITSUBSTITUTION, "1"},
};

static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

/* The text of a kind of information and how much of it; NULL for an unknown kind. */
static const char *find_fact(LCTYPE type, ULONG *length)
{
  const char *text = NULL;
  ULONG most = 64;
  if (type >= LOCALE_SDAYNAME1 && type <= LOCALE_SDAYNAME7)
    text = days[type - LOCALE_SDAYNAME1];
  else if (type >= LOCALE_SABBREVDAYNAME1 && type <= LOCALE_SABBREVDAYNAME7)
    text = days[type - LOCALE_SABBREVDAYNAME1], most = 3;
  else if (type >= LOCALE_SSHORTESTDAYNAME1 && type <= LOCALE_SSHORTESTDAYNAME7)
    text = days[type - LOCALE_SSHORTESTDAYNAME1], most = 2;
  else if (type >= LOCALE_SMONTHNAME1 && type <= LOCALE_SMONTHNAME12)
    text = months[type - LOCALE_SMONTHNAME1];
  else if (type >= LOCALE_SABBREVMONTHNAME1 && type <= LOCALE_SABBREVMONTHNAME12)
    text = months[type - LOCALE_SABBREVMONTHNAME1], most = 3;
  for (ULONG i = 0; i < ARRAYSIZE(facts) && !text; i++)
    if (facts[i].type == type)
      text = facts[i].text;
  for (*length = 0; text && *length < most && text[*length];)
    ++*length;
  return text;
}

static BOOL number_of(LCTYPE type, const char *text, ULONG length, ULONG *value)
{
  ULONG base = type == LOCALE_ILANGUAGE || type == LOCALE_IDEFAULTLANGUAGE ? 16 : 10;
  *value = 0;
  for (ULONG i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9')
      return FALSE;
    *value = *value * base + (ULONG)(text[i] - '0');
  }
  return length != 0;
}

static int locale_info(LCTYPE type, LPWSTR to, int room)
{
  ULONG flags = type & 0xFF000000u, length, value;
  const char *text = find_fact(type & 0xFFFFFF, &length);
  if (room < 0 || (room && !to))
    return base_fail(ERROR_INVALID_PARAMETER);
  if (!text)
    return base_fail(ERROR_INVALID_FLAGS);
  if (flags & LOCALE_RETURN_NUMBER) {
    if (!number_of(type & 0xFFFFFF, text, length, &value))
      return base_fail(ERROR_INVALID_FLAGS);
    if (room && room < 2)
      return base_fail(ERROR_INSUFFICIENT_BUFFER);
    if (room)
      memcpy(to, &value, sizeof value);
    return 2;
  }
  if (!room)
    return (int)length + 1;
  if (room <= (int)length)
    return base_fail(ERROR_INSUFFICIENT_BUFFER);
  for (ULONG i = 0; i < length; i++)
    to[i] = (UCHAR)text[i];
  to[length] = 0;
  return (int)length + 1;
}

WINBOOL WINAPI IsValidLocale(LCID Locale, DWORD dwFlags)
{
  if (dwFlags != LCID_INSTALLED && dwFlags != LCID_SUPPORTED && dwFlags != (LCID_INSTALLED | LCID_SUPPORTED))
    return base_fail(ERROR_INVALID_PARAMETER);
  return Locale == LCID_EN_US || Locale == LCID_EN || Locale == LOCALE_INVARIANT;
}

LCID WINAPI ConvertDefaultLocale(LCID Locale)
{
  switch (Locale) {
  case LOCALE_NEUTRAL:
  case LOCALE_USER_DEFAULT:
  case LOCALE_SYSTEM_DEFAULT:
  case LOCALE_CUSTOM_DEFAULT:
  case LCID_EN:
    return LCID_EN_US;
  default:
    return Locale;
  }
}

LCID WINAPI GetUserDefaultLCID(void) { return LCID_EN_US; }
LCID WINAPI GetSystemDefaultLCID(void) { return LCID_EN_US; }
LANGID WINAPI GetUserDefaultLangID(void) { return LCID_EN_US; }
LANGID WINAPI GetSystemDefaultLangID(void) { return LCID_EN_US; }
LANGID WINAPI GetUserDefaultUILanguage(void) { return LCID_EN_US; }
LANGID WINAPI GetSystemDefaultUILanguage(void) { return LCID_EN_US; }

LCID WINAPI GetThreadLocale(void)
{
  LCID own = NtCurrentTeb()->CurrentLocale;
  return own ? own : LCID_EN_US;
}

WINBOOL WINAPI SetThreadLocale(LCID Locale)
{
  Locale = ConvertDefaultLocale(Locale);
  if (!IsValidLocale(Locale, LCID_SUPPORTED))
    return base_fail(ERROR_INVALID_PARAMETER);
  NtCurrentTeb()->CurrentLocale = Locale;
  return TRUE;
}

int WINAPI GetLocaleInfoW(LCID Locale, LCTYPE LCType, LPWSTR lpLCData, int cchData)
{
  if (!IsValidLocale(ConvertDefaultLocale(Locale), LCID_SUPPORTED))
    return base_fail(ERROR_INVALID_PARAMETER);
  return locale_info(LCType, lpLCData, cchData);
}

int WINAPI GetLocaleInfoA(LCID Locale, LCTYPE LCType, LPSTR lpLCData, int cchData)
{
  WCHAR wide[80];
  if (cchData < 0 || (cchData && !lpLCData))
    return base_fail(ERROR_INVALID_PARAMETER);
  int length = GetLocaleInfoW(Locale, LCType, wide, ARRAYSIZE(wide));
  if (!length || !(LCType & LOCALE_RETURN_NUMBER))
    return length ? WideCharToMultiByte(CP_ACP, 0, wide, length, lpLCData, cchData, NULL, NULL) : 0;
  if (cchData && cchData < (int)sizeof(DWORD))
    return base_fail(ERROR_INSUFFICIENT_BUFFER);
  if (cchData)
    memcpy(lpLCData, wide, sizeof(DWORD));
  return sizeof(DWORD);
}

/* ---- names ---- */

static BOOL same(LPCWSTR name, const char *text)
{
  ULONG i = 0;
  for (; text[i]; i++)
    if (RtlUpcaseUnicodeChar(name[i]) != RtlUpcaseUnicodeChar((UCHAR)text[i]))
      return FALSE;
  return name[i] == 0;
}

LCID WINAPI LocaleNameToLCID(LPCWSTR lpName, DWORD dwFlags)
{
  if (dwFlags & ~LOCALE_ALLOW_NEUTRAL_NAMES)
    return (LCID)base_fail(ERROR_INVALID_PARAMETER);
  if (!lpName || same(lpName, "en-US") || same(lpName, "!x-sys-default-locale"))
    return LCID_EN_US;
  if (!*lpName)
    return LOCALE_INVARIANT;
  if (same(lpName, "en"))
    return dwFlags & LOCALE_ALLOW_NEUTRAL_NAMES ? LCID_EN : LCID_EN_US;
  return (LCID)base_fail(ERROR_INVALID_PARAMETER);
}

static int give(LPWSTR to, int room, const char *text)
{
  int length = 0;
  while (text[length++])
    ;
  if (room < 0 || (room && !to))
    return base_fail(ERROR_INVALID_PARAMETER);
  if (room && room < length)
    return base_fail(ERROR_INSUFFICIENT_BUFFER);
  for (int i = 0; room && i < length; i++)
    to[i] = (UCHAR)text[i];
  return length;
}

int WINAPI LCIDToLocaleName(LCID Locale, LPWSTR lpName, int cchName, DWORD dwFlags)
{
  if (dwFlags & ~LOCALE_ALLOW_NEUTRAL_NAMES)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (Locale == LCID_EN && (dwFlags & LOCALE_ALLOW_NEUTRAL_NAMES))
    return give(lpName, cchName, "en");
  Locale = ConvertDefaultLocale(Locale);
  if (Locale == LOCALE_INVARIANT)
    return give(lpName, cchName, "");
  return Locale == LCID_EN_US ? give(lpName, cchName, "en-US") : base_fail(ERROR_INVALID_PARAMETER);
}

WINBOOL WINAPI IsValidLocaleName(LPCWSTR lpLocaleName)
{
  return lpLocaleName && *lpLocaleName != '!' && LocaleNameToLCID(lpLocaleName, LOCALE_ALLOW_NEUTRAL_NAMES) != 0;
}

int WINAPI GetUserDefaultLocaleName(LPWSTR lpLocaleName, int cchLocaleName)
{
  return cchLocaleName ? give(lpLocaleName, cchLocaleName, "en-US") : base_fail(ERROR_INSUFFICIENT_BUFFER);
}

int WINAPI GetSystemDefaultLocaleName(LPWSTR lpLocaleName, int cchLocaleName)
{
  return GetUserDefaultLocaleName(lpLocaleName, cchLocaleName);
}

int WINAPI ResolveLocaleName(LPCWSTR lpNameToResolve, LPWSTR lpLocaleName, int cchLocaleName)
{
  BOOL english = !lpNameToResolve || ((lpNameToResolve[0] | 32) == 'e' && (lpNameToResolve[1] | 32) == 'n' &&
                                      (!lpNameToResolve[2] || lpNameToResolve[2] == '-'));
  return give(lpLocaleName, cchLocaleName, english ? "en-US" : "");
}

int WINAPI GetLocaleInfoEx(LPCWSTR lpLocaleName, LCTYPE LCType, LPWSTR lpLCData, int cchData)
{
  LCID id = LocaleNameToLCID(lpLocaleName, LOCALE_ALLOW_NEUTRAL_NAMES);
  if (!id)
    return 0;
  if (id == LOCALE_INVARIANT && (LCType & 0xFFFF) == LOCALE_SNAME)
    return give(lpLCData, cchData, "");
  return locale_info(LCType, lpLCData, cchData);
}

/* ---- lists ---- */

WINBOOL WINAPI EnumSystemLocalesEx(LOCALE_ENUMPROCEX lpLocaleEnumProcEx, DWORD dwFlags, LPARAM lParam, LPVOID lpReserved)
{
  static WCHAR names[][8] = {L"", L"en", L"en-US"};
  static const DWORD kinds[] = {LOCALE_WINDOWS, LOCALE_WINDOWS | LOCALE_NEUTRALDATA, LOCALE_WINDOWS | LOCALE_SPECIFICDATA};
  if (!lpLocaleEnumProcEx || lpReserved)
    return base_fail(ERROR_INVALID_PARAMETER);
  for (ULONG i = 0; i < ARRAYSIZE(names); i++)
    if (!dwFlags || (dwFlags & kinds[i]))
      if (!lpLocaleEnumProcEx(names[i], kinds[i], lParam))
        break;
  return TRUE;
}

WINBOOL WINAPI EnumSystemLocalesW(LOCALE_ENUMPROCW lpLocaleEnumProc, DWORD dwFlags)
{
  static WCHAR id[] = L"00000409";
  if (!lpLocaleEnumProc)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (dwFlags & ~(LCID_INSTALLED | LCID_SUPPORTED | LCID_ALTERNATE_SORTS))
    return base_fail(ERROR_INVALID_FLAGS);
  lpLocaleEnumProc(id);
  return TRUE;
}

WINBOOL WINAPI EnumSystemLocalesA(LOCALE_ENUMPROCA lpLocaleEnumProc, DWORD dwFlags)
{
  static char id[] = "00000409";
  if (!lpLocaleEnumProc)
    return base_fail(ERROR_INVALID_PARAMETER);
  if (dwFlags & ~(LCID_INSTALLED | LCID_SUPPORTED | LCID_ALTERNATE_SORTS))
    return base_fail(ERROR_INVALID_FLAGS);
  lpLocaleEnumProc(id);
  return TRUE;
}

GEOID WINAPI GetUserGeoID(GEOCLASS GeoClass) { return GeoClass == GEOCLASS_NATION ? 244 : -1; }
