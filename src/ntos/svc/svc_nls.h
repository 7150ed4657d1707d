/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file svc_nls.h  Services on locales and on the files of code pages, case tables and sort keys. */
#ifndef NTOS_SVC_SVC_NLS_H
#define NTOS_SVC_SVC_NLS_H

#include "ntos/svc/svc.h"

extern const struct svc_entry svc_nls_table[];

/** Maps locale.nls read-only and tells the default LCID. STATUS_OBJECT_NAME_NOT_FOUND without the file. */
NTSTATUS NtInitializeNlsFiles(ULONG64 BaseAddress, ULONG64 DefaultLocaleId, ULONG64 DefaultCasingTableSize);
/** Maps the file of a table: 9 sort keys, 10 case, 11 a code page, 12 a normalization form.
 *  STATUS_INVALID_PARAMETER_1, STATUS_OBJECT_NAME_NOT_FOUND, statuses of mapping. */
NTSTATUS NtGetNlsSectionPtr(ULONG SectionType, ULONG SectionData, ULONG64 ContextData, ULONG64 SectionPointer,
                            ULONG64 SectionSize);
/** en-US until NtSetDefaultLocale. */
NTSTATUS NtQueryDefaultLocale(BOOLEAN UserProfile, ULONG64 DefaultLocaleId);
/** Kept for the machine. */
NTSTATUS NtSetDefaultLocale(BOOLEAN UserProfile, ULONG DefaultLocaleId);
/** Language of the user's locale. */
NTSTATUS NtQueryDefaultUILanguage(ULONG64 DefaultUILanguageId);
/** Language of the system's locale. */
NTSTATUS NtQueryInstallUILanguage(ULONG64 InstallUILanguageId);
/** Accepted. */
NTSTATUS NtSetDefaultUILanguage(USHORT DefaultUILanguageId);

#endif
