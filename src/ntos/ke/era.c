/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The columns of spec/3.8. */
#include "ntos/ke/ke.h"

#include <string.h>

static const struct era eras[] = {
    {
        .name = "win10",
        .ntdll_event_without_file = true,
        .attach_ntdll_before_threads = true,
        .reply_later = true,
        .context_ex = true,
        .port_type = "ALPC Port",
        .hard_errors_disabled = 0x10,
        .break_on_termination = 0x20,
        .skip_creation_msg = 0x40,
        .skip_termination_msg = 0x80,
        .critical_process_died = true,
    },
    {
        .name = "win7",
        .attach_ntdll_before_threads = true,
        .context_ex = true,
        .port_type = "ALPC Port",
        .hard_errors_disabled = 0x20,
        .break_on_termination = 0x40,
        .skip_creation_msg = 0x80,
        .skip_termination_msg = 0x100,
    },
    {
        .name = "xp",
        .create_reported_by_send = true,
        .int_2e_service = true,
        .port_type = "Port",
        .hard_errors_disabled = 0x20,
        .break_on_termination = 0x40,
        .skip_creation_msg = 0x80,
        .skip_termination_msg = 0x100,
    },
};

const struct era *era_find(const char *name)
{
  for (size_t i = 0; i < sizeof eras / sizeof eras[0]; i++)
    if (!name || !strcmp(name, eras[i].name))
      return &eras[i];
  return NULL;
}
