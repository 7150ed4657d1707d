/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which texts of DbgPrint reach the kernel debugger: a mask of levels per component. */
#include "ntos/kd/internal.h"

/* A level below 32 is a bit's number, another one the mask itself. */
static ULONG level_mask(ULONG level) { return level < 32 ? 1u << level : level; }

/* NULL: no such component. */
static ULONG *component_mask(ULONG component)
{
  struct kd_state *kd = kd_state();
  if (!kd)
    return NULL;
  if (component == KD_EVERY_COMPONENT)
    return &kd->Kd_WIN2000_Mask;
  return component < KD_COMPONENTS ? &kd->component_masks[component] : NULL;
}

NTSTATUS kd_query_filter(ULONG ComponentId, ULONG Level)
{
  const ULONG *mask = component_mask(ComponentId);
  if (!mask)
    return STATUS_INVALID_PARAMETER_1;
  return ((*mask | kd_state()->Kd_WIN2000_Mask) & level_mask(Level)) != 0;
}

NTSTATUS kd_set_filter(ULONG ComponentId, ULONG Level, BOOLEAN State)
{
  ULONG *mask = component_mask(ComponentId);
  if (!mask)
    return STATUS_INVALID_PARAMETER_1;
  if (State)
    *mask |= level_mask(Level);
  else
    *mask &= ~level_mask(Level);
  return STATUS_SUCCESS;
}
