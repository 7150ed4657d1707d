/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest program with a C runtime. */
#include <stdio.h>

int main(void)
{
  puts("hello");
  return 0;
}
