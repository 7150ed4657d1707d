/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ntos/svc/svc_state.h"

#include "ntos/ke/ke.h"

#define LOCALE_EN_US 0x409u
/* Numbers below belong to the system: 0x3E7 is the logon session of the System process. */
#define FIRST_LUID 0x10000u

struct svc_state *svc_state_of(void)
{
  KPCR *pcr = KeGetPcr();
  if (pcr->svc == NULL) {
    pcr->svc = ExAllocatePoolWithTag(sizeof(*pcr->svc), POOL_TAG('S', 'v', 'c', 'S'));
    if (pcr->svc != NULL) {
      pcr->svc->next_luid = FIRST_LUID;
      pcr->svc->locale[0] = pcr->svc->locale[1] = LOCALE_EN_US;
    }
  }
  return pcr->svc;
}
