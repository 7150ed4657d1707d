/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exports of the C library's functions: their prototypes are the compiler's, without an attribute that says so. */
  .macro exports names:vararg
  .irp name, \names
  .ascii " -export:\name"
  .endr
  .endm

  .section .drectve, "yn"
  exports strlen, strnlen, strcmp, strncmp, strcpy, strcat, strncpy, strncat, strcspn, strspn, strpbrk, strstr, strchr, strrchr
  exports wcslen, wcsnlen, wcscmp, wcsncmp, wcscpy, wcscat, wcsncpy, wcsncat, wcscspn, wcsspn, wcspbrk, wcsstr, wcschr, wcsrchr
  exports _stricmp, _strcmpi, _strnicmp, _wcsicmp, _wcsnicmp, _strlwr, _strupr, _wcslwr, _wcsupr, memchr, _memicmp
  exports tolower, toupper, towlower, towupper, isdigit, isupper, islower, isalpha, isalnum, isspace, isxdigit, isprint, isgraph, iscntrl, ispunct
  exports iswdigit, iswalpha, iswspace, iswxdigit
  exports strtol, strtoul, wcstol, wcstoul, atoi, atol, _atoi64, _wtoi, _wtol, _wtoi64, abs, labs, qsort, bsearch
  exports _vsnprintf, vsprintf, _snprintf, sprintf, _vsnwprintf, _snwprintf, swprintf
  exports __chkstk

  /* Touches each page of a frame of rax bytes in their order, so that the guard page moves down. */
  .text
  .balign 16
  .globl __chkstk
__chkstk:
  push %rcx
  push %rax
  lea 24(%rsp), %rcx
1:
  cmp $0x1000, %rax
  jb 2f
  sub $0x1000, %rcx
  test %rcx, (%rcx)
  sub $0x1000, %rax
  jmp 1b
2:
  sub %rax, %rcx
  test %rcx, (%rcx)
  pop %rax
  pop %rcx
  ret
