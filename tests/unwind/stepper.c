/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs every generated function instruction by instruction. At each one RtlVirtualUnwind must find the way back to the
 * call in stepper.S, with the stack pointer and the registers that the call was made with. */
#include <windows.h>

typedef unsigned long long u64;
struct function {
  const void *code;
  u64 number;
};
struct range {
  u64 begin, end;
};
extern const struct function c_functions[], s_functions[];
extern const struct range unchecked[];
extern const u64 seed;
extern u64 stepped_integers[8], stepped_rsp;
extern M128A stepped_xmm[10];
extern const char stepped_return[];
u64 call_stepped(const void *function, const u64 *arguments);

enum { MAX_FRAMES = 64, MAX_STEPS = 100000 };
static const struct function *current;
static u64 steps, frames, functions;
static const int owned[8] = {3, 5, 6, 7, 12, 13, 14, 15}; /* rbx rbp rsi rdi r12-r15, as CONTEXT numbers them */
static const char *const names[8] = {"rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15"};

static void put(const char *text)
{
  DWORD length = 0, written;
  while (text[length])
    length++;
  WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), text, length, &written, NULL);
}

static void put_number(u64 value, unsigned base)
{
  char digits[24], *p = digits + sizeof digits - 1;
  *p = 0;
  do
    *--p = "0123456789ABCDEF"[value % base];
  while (value /= base);
  put(p);
}

static void fail(const char *what, const CONTEXT *at, u64 found, u64 wanted)
{
  put("seed "), put_number(seed, 10), put(" function "), put_number(current->number, 10);
  put(" +"), put_number(at->Rip - (u64)current->code, 16), put(": "), put(what);
  put(" is "), put_number(found, 16), put(" instead of "), put_number(wanted, 16), put("\n");
  ExitProcess(1);
}

static void compare(const CONTEXT *at, const CONTEXT *found)
{
  for (int i = 0; i < 8; i++)
    if ((&found->Rax)[owned[i]] != stepped_integers[i])
      fail(names[i], at, (&found->Rax)[owned[i]], stepped_integers[i]);
  for (int i = 0; i < 10; i++) {
    const M128A *xmm = &found->Xmm6 + i;
    if (xmm->Low != stepped_xmm[i].Low || xmm->High != stepped_xmm[i].High)
      fail("an XMM register", at, xmm->Low, stepped_xmm[i].Low);
  }
}

static void compare_pointers(const CONTEXT *at, const KNONVOLATILE_CONTEXT_POINTERS *pointers)
{
  for (int i = 0; i < 8; i++)
    if (pointers->IntegerContext[owned[i]] && *pointers->IntegerContext[owned[i]] != stepped_integers[i])
      fail("what a context pointer points to", at, *pointers->IntegerContext[owned[i]], stepped_integers[i]);
}

static void check(const CONTEXT *at)
{
  CONTEXT c = *at;
  KNONVOLATILE_CONTEXT_POINTERS pointers = {0};
  for (const struct range *r = unchecked; r->end; r++)
    if (at->Rip >= r->begin && at->Rip < r->end)
      return;
  for (int depth = 0; c.Rip != (u64)stepped_return; depth++, frames++) {
    DWORD64 base, frame;
    PVOID data;
    if (depth == MAX_FRAMES)
      fail("the way back: Rip", at, c.Rip, (u64)stepped_return);
    PRUNTIME_FUNCTION entry = RtlLookupFunctionEntry(c.Rip, &base, NULL);
    if (entry) {
      RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, c.Rip, entry, &c, &data, &frame, &pointers);
    } else {
      c.Rip = *(u64 *)c.Rsp;
      c.Rsp += 8;
    }
  }
  if (c.Rsp != stepped_rsp)
    fail("rsp", at, c.Rsp, stepped_rsp);
  compare(at, &c);
  compare_pointers(at, &pointers);
}

static LONG CALLBACK step(EXCEPTION_POINTERS *p)
{
  CONTEXT *c = p->ContextRecord;
  static u64 before;
  static CONTEXT last;
  if (p->ExceptionRecord->ExceptionCode != EXCEPTION_SINGLE_STEP)
    fail("an exception there or in its unwind: the code", &last, p->ExceptionRecord->ExceptionCode,
         EXCEPTION_SINGLE_STEP);
  last.Rip = c->Rip;
  if (c->Rip == (u64)stepped_return) {
    /* The function itself keeps the rules, or the test says nothing. */
    compare(c, c);
    before = steps;
    return EXCEPTION_CONTINUE_EXECUTION;
  }
  if (++steps - before > MAX_STEPS)
    fail("steps", c, steps - before, MAX_STEPS);
  if (c->Rsp < stepped_rsp)
    check(c);
  c->EFlags |= 0x100;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static u64 next_random(u64 *state)
{
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static void run(const struct function *table)
{
  for (current = table; current->code; current++, functions++)
    for (int round = 0; round < 2; round++) {
      u64 state = (seed * 1000003 + current->number) * 2 + round + 1, arguments[6];
      for (int i = 0; i < 6; i++)
        arguments[i] = next_random(&state);
      for (int i = 0; i < 8; i++)
        stepped_integers[i] = next_random(&state);
      for (int i = 0; i < 10; i++)
        stepped_xmm[i].Low = next_random(&state), stepped_xmm[i].High = (LONGLONG)next_random(&state);
      call_stepped(current->code, arguments);
    }
}

int start(void)
{
  AddVectoredExceptionHandler(1, step);
  run(c_functions);
  run(s_functions);
  put("functions "), put_number(functions, 10), put(", instructions "), put_number(steps, 10);
  put(", frames "), put_number(frames, 10), put("\n");
  return 0;
}
