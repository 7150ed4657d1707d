/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Imports a DLL that is nowhere. */
__declspec(dllimport) int absent_function(void);
int main(void) { return absent_function(); }
