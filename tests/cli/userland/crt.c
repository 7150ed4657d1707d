/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program with a C runtime, which is not builtin. */
int main(void) { return 7; }
