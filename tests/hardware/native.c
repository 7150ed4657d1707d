/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs cases on the host's own processor, in children: a case's state is put into the context of a signal handler,
 * whose return starts it; the signal that it ends in carries the outcome. */
#include "hardware.h"

#include <stdio.h>

#if !defined(__x86_64__) || !defined(__linux__)

struct native *native_open(unsigned batch)
{
  (void)batch;
  printf("the host is not x86-64 Linux\n");
  return NULL;
}

bool native_run(struct native *n, uint64_t seed, unsigned first, unsigned count, const struct outcome **out)
{
  (void)n, (void)seed, (void)first, (void)count, (void)out;
  return false;
}

void native_close(struct native *n) { (void)n; }

#else

#include <asm/prctl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define FX_REGISTERS 416 /* what follows in the frame belongs to the kernel */
#define HANDLER_STACK 0x20000
#define CASE_MICROSECONDS 100000
#define CHILD_SECONDS 60
#define HOST_CS 0x33ull
#define HOST_DS 0x2Bull
#define EFLAGS_PLAIN 0x202

/* Where Linux keeps the registers, in encoding order. */
static const int greg[GPRS] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                               REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

/* The child's; its handlers have no other way to reach them. */
static struct {
  struct test_case test;
  volatile sig_atomic_t running;
  gregset_t gregs; /**< of the child's own code, to go back to */
  uint8_t fx[FX_REGISTERS];
  uint64_t fs_base; /**< of the child's thread-local storage */
  uint8_t *alias;   /**< the area's pages, writable */
  struct outcome *out;
} child;

/* ---- handlers ---- */

static inline void set_base(int which, uint64_t base)
{
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"((long)SYS_arch_prctl), "D"((long)which), "S"(base)
                   : "rcx", "r11", "memory");
}

static inline uint16_t read_selector(unsigned which)
{
  uint32_t selector = 0;
  if (which == 0)
    __asm__ volatile("mov %%ds, %0" : "=r"(selector));
  else if (which == 1)
    __asm__ volatile("mov %%es, %0" : "=r"(selector));
  else if (which == 2)
    __asm__ volatile("mov %%fs, %0" : "=r"(selector));
  else
    __asm__ volatile("mov %%gs, %0" : "=r"(selector));
  return (uint16_t)selector;
}

static bool vector_has_error_code(unsigned vector) { return (vector >= 10 && vector <= 14) || vector == 17; }

static void record(int signal_number, const ucontext_t *u)
{
  struct outcome *out = child.out;
  const greg_t *g = u->uc_mcontext.gregs;
  out->kind = signal_number == SIGVTALRM ? OUTCOME_ENDLESS
              : signal_number == SIGSYS  ? OUTCOME_SYSCALL
                                         : OUTCOME_EXCEPTION;
  if (out->kind == OUTCOME_EXCEPTION) {
    out->vector = (unsigned)g[REG_TRAPNO];
    out->error_code = vector_has_error_code(out->vector) ? (uint32_t)g[REG_ERR] : 0;
    out->cr2 = out->vector == 14 ? (uint64_t)g[REG_CR2] : 0;
  }
  for (unsigned i = 0; i < GPRS; i++)
    out->gpr[i] = (uint64_t)g[greg[i]];
  out->rip = (uint64_t)g[REG_RIP];
  out->rflags = (uint64_t)g[REG_EFL];
  out->cs = (uint16_t)g[REG_CSGSFS];
  out->ss = (uint16_t)(g[REG_CSGSFS] >> 48);
  memcpy(&out->fx, u->uc_mcontext.fpregs, FX_REGISTERS);
  memcpy(out->memory, child.alias + FIRST_WRITABLE * PAGE, sizeof out->memory);
}

/* The case ended. Nothing that uses thread-local storage may run before its base is set again. */
__attribute__((no_stack_protector)) static void on_end(int signal_number, siginfo_t *info, void *context)
{
  ucontext_t *u = context;
  /* AC and NT of the case are still set. */
  __asm__ volatile("lea -128(%%rsp), %%rsp\n\tpush %0\n\tpopfq\n\tlea 128(%%rsp), %%rsp" : : "i"(EFLAGS_PLAIN) : "cc");
  if (!child.running && signal_number == SIGVTALRM)
    return;
  if (!child.running)
    _exit(3);
  uint16_t selectors[4] = {read_selector(0), read_selector(1), read_selector(2), read_selector(3)};
  set_base(ARCH_SET_FS, child.fs_base);
  (void)info;
  record(signal_number, u);
  child.out->ds = selectors[0];
  child.out->es = selectors[1];
  child.out->fs = selectors[2];
  child.out->gs = selectors[3];
  child.running = 0;
  memcpy(u->uc_mcontext.gregs, child.gregs, sizeof child.gregs);
  memcpy(u->uc_mcontext.fpregs, child.fx, FX_REGISTERS);
}

/* Its return is the start of the case. */
__attribute__((no_stack_protector)) static void on_start(int signal_number, siginfo_t *info, void *context)
{
  ucontext_t *u = context;
  const struct test_case *c = &child.test;
  (void)signal_number, (void)info;
  memcpy(child.gregs, u->uc_mcontext.gregs, sizeof child.gregs);
  memcpy(child.fx, u->uc_mcontext.fpregs, FX_REGISTERS);
  for (unsigned i = 0; i < GPRS; i++)
    u->uc_mcontext.gregs[greg[i]] = (greg_t)c->gpr[i];
  u->uc_mcontext.gregs[REG_RIP] = (greg_t)c->rip;
  u->uc_mcontext.gregs[REG_EFL] = (greg_t)c->rflags;
  u->uc_mcontext.gregs[REG_CSGSFS] = (greg_t)(HOST_CS | HOST_DS << 48);
  memcpy(u->uc_mcontext.fpregs, &c->fx, FX_REGISTERS);
  __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"((uint32_t)HOST_DS));
  child.running = 1;
  set_base(ARCH_SET_GS, c->gs_base);
  set_base(ARCH_SET_FS, c->fs_base);
}

/* ---- a child ---- */

static bool map_area(int fd)
{
  for (unsigned i = 0; i < AREA_PAGES; i++) {
    unsigned rights = area_pages[i].rights;
    int protection = PROT_READ | ((rights & PAGE_W) != 0 ? PROT_WRITE : 0) | ((rights & PAGE_X) != 0 ? PROT_EXEC : 0);
    /* Populated: a page that the kernel would still have to bring in has other error codes. */
    if (mmap((void *)area_pages[i].va, PAGE, protection, MAP_SHARED | MAP_FIXED_NOREPLACE | MAP_POPULATE, fd,
             (off_t)i * PAGE) != (void *)area_pages[i].va)
      return false;
  }
  child.alias = mmap(NULL, AREA_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  return child.alias != MAP_FAILED;
}

/* Random code makes no system call: one from the area becomes SIGSYS. */
static bool forbid_system_calls(void)
{
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)(AREA_BASE + AREA_SIZE), 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)AREA_BASE, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool install_handlers(void)
{
  static const int ends[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGVTALRM};
  stack_t stack = {.ss_size = HANDLER_STACK, .ss_sp = malloc(HANDLER_STACK)};
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  if (stack.ss_sp == NULL || sigaltstack(&stack, NULL) != 0)
    return false;
  action.sa_sigaction = on_end;
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
    if (sigaction(ends[i], &action, NULL) != 0)
      return false;
  }
  action.sa_sigaction = on_start;
  return sigaction(SIGUSR1, &action, NULL) == 0;
}

static void run_one(uint64_t seed, unsigned number, struct outcome *out)
{
  const struct itimerval limit = {.it_value = {0, CASE_MICROSECONDS}};
  generate_case(seed, number, &child.test);
  memcpy(child.alias, child.test.memory, sizeof child.test.memory);
  child.out = out;
  setitimer(ITIMER_VIRTUAL, &limit, NULL);
  syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
}

/* ---- the server, which forks the children ---- */

struct request {
  uint64_t seed;
  unsigned first, count;
};

/* What server, children and test share. */
struct shared {
  volatile unsigned next; /**< case that comes next */
  struct outcome outcome[];
};

/** The server is forked before there is an emulator, whose gigabytes of arenas random addresses could hit. */
struct native {
  pid_t server;
  int requests, replies;
  struct shared *shared;
  size_t size;
};

static void child_main(int fd, const struct request *r, struct shared *s)
{
  alarm(CHILD_SECONDS);
  if (!map_area(fd) || !install_handlers() || !forbid_system_calls() ||
      syscall(SYS_arch_prctl, ARCH_GET_FS, &child.fs_base) != 0)
    _exit(2);
  for (unsigned i = s->next; i < r->count; i = s->next) {
    s->outcome[i].kind = OUTCOME_FAILED;
    s->next = i + 1;
    run_one(r->seed, r->first + i, &s->outcome[i]);
  }
  _exit(0);
}

/* Starts children until every case has had one; a case that kills its child stays OUTCOME_FAILED. */
static bool run_children(int fd, const struct request *r, struct shared *s)
{
  s->next = 0;
  while (s->next < r->count) {
    unsigned before = s->next;
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
      child_main(fd, r, s);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || s->next == before)
      return false;
  }
  return true;
}

static void server_main(int requests, int replies, struct shared *s)
{
  struct request r;
  int fd = memfd_create("hardware", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, AREA_PAGES * PAGE) != 0)
    _exit(2);
  while (read(requests, &r, sizeof r) == (ssize_t)sizeof r) {
    char good = run_children(fd, &r, s);
    if (write(replies, &good, 1) != 1)
      break;
  }
  _exit(0);
}

struct native *native_open(unsigned batch)
{
  int request[2] = {-1, -1}, reply[2] = {-1, -1};
  struct native *n = calloc(1, sizeof *n);
  if (n == NULL)
    return NULL;
  n->size = sizeof *n->shared + batch * sizeof n->shared->outcome[0];
  n->shared = mmap(NULL, n->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (n->shared == MAP_FAILED || pipe(request) != 0 || pipe(reply) != 0 || (n->server = fork()) < 0) {
    printf("no memory or no process for the native side\n");
    free(n);
    return NULL;
  }
  if (n->server == 0) {
    close(request[1]);
    close(reply[0]);
    server_main(request[0], reply[1], n->shared);
  }
  close(request[0]);
  close(reply[1]);
  n->requests = request[1];
  n->replies = reply[0];
  return n;
}

bool native_run(struct native *n, uint64_t seed, unsigned first, unsigned count, const struct outcome **out)
{
  const struct request r = {seed, first, count};
  char good = 0;
  *out = n->shared->outcome;
  if (write(n->requests, &r, sizeof r) == (ssize_t)sizeof r && read(n->replies, &good, 1) == 1 && good != 0)
    return true;
  printf("no child can run instructions on this host\n");
  return false;
}

void native_close(struct native *n)
{
  int status;
  close(n->requests);
  close(n->replies);
  waitpid(n->server, &status, 0);
  munmap(n->shared, n->size);
  free(n);
}

#endif
