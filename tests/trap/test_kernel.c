/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stage.h"
TCase *kernel_tests(void) { return tcase_create("kernel"); }
