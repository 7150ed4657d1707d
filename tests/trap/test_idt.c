/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stage.h"
TCase *idt_tests(void) { return tcase_create("idt"); }
