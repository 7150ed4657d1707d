/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calibration in a child process, so that an engine that crashes is a message (DESIGN 5). */
#include "base/host.h"
#include "emu/internal.h"

#include <stdio.h>
#include <stdlib.h>

static void make(void *memory) { calibration_make(memory); }

bool emu_self_check(char *report, size_t size)
{
  int signal_number;
  struct calibration *k = calloc(1, sizeof *k);
  if (k == NULL) {
    snprintf(report, size, "processor: no memory for the check\n");
    return false;
  }
  bool complete = host_run_in_child(make, k, sizeof *k, &signal_number);
  bool good = complete && k->status == EMU_OK;
  if (!complete)
    snprintf(report, size, "processor: the engine library crashed while it was tested (signal %d)\n", signal_number);
  else if (!good)
    snprintf(report, size, "processor: %s\n", k->message);
  else
    snprintf(report, size,
             "processor: Unicorn %s, calibrated\n"
             "  context %zu bytes, RIP at %zx, error code at %zx, previous exception at %zx\n",
             k->version, k->at.size, k->at.rip, k->at.error_code, k->at.old_exception);
  free(k);
  return good;
}
