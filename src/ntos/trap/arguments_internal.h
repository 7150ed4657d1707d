/* SPDX-License-Identifier: GPL-2.0-or-later */
/** @file arguments_internal.h  How the tables of services' arguments are written. */
#ifndef NTOS_TRAP_ARGUMENTS_INTERNAL_H
#define NTOS_TRAP_ARGUMENTS_INTERNAL_H

#include "ntos/trap/monitor.h"

#define G(group) DBGKSIM_SERVICES_##group
/** An argument, and one that goes with another (its length, its count, its process). */
#define A(name, kind) {#name, ARGUMENT_##kind, 0}
#define W(name, kind, with) {#name, ARGUMENT_##kind, with}

/** Each ends with an entry without a name. */
extern const struct service_description service_descriptions_process[], service_descriptions_memory[],
    service_descriptions_file[];

#endif
