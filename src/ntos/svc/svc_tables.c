/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/cm/cm.h"
#include "ntos/svc/svc.h"
#include "ntos/svc/svc_file.h"
#include "ntos/svc/svc_iocompletion.h"
#include "ntos/svc/svc_memory.h"
#include "ntos/svc/svc_nls.h"
#include "ntos/svc/svc_object.h"
#include "ntos/svc/svc_pipe.h"
#include "ntos/svc/svc_port.h"
#include "ntos/svc/svc_process.h"
#include "ntos/svc/svc_registry.h"
#include "ntos/svc/svc_section.h"
#include "ntos/svc/svc_sync.h"
#include "ntos/svc/svc_system.h"
#include "ntos/svc/svc_token.h"
#include "ntos/trap/trap.h"

bool svc_register_all(void)
{
  static const struct svc_entry *const tables[] = {
      svc_event_table,     svc_mutant_table,
      svc_semaphore_table, svc_timer_table,
      svc_wait_table,      svc_keyed_event_table,
      svc_object_table,    svc_query_object_table,
      svc_namespace_table, svc_iocompletion_table,
      svc_file_table,      svc_file_information_table,
      svc_device_table,    svc_directory_table,
      svc_section_table,   svc_memory_table,
      svc_registry_table,  svc_nls_table,
      svc_token_table,     svc_privilege_table,
      svc_atom_table,      svc_debug_filter_table,
      svc_system_table,    svc_system_information_table,
      svc_process_table,   svc_process_query_table,
      svc_thread_table,    svc_thread_query_table,
      svc_exception_table, svc_debug_table,
      svc_wine_table,      svc_create_process_table,
      svc_port_table,      svc_hard_error_table,
      svc_pipe_table,      svc_create_process_ex_table,
      svc_create_thread_table,
  };
  for (unsigned i = 0; i < sizeof tables / sizeof tables[0]; i++)
    if (!KeAddSystemServiceTable(tables[i]))
      return false;
  return cm_key_type() && svc_token_type();
}
