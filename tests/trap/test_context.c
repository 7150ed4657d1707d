/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stage.h"
TCase *context_tests(void) { return tcase_create("context"); }
