/* Start of a program without an operating system: stack, memory, main; text output through the debugger; and the bytes
   of stack that were used. */
#include <stdint.h>

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;

#define UNUSED 0x5a5a5a5au
#define MEASURED 3072 /* words of stack that are watched */
#define MARGIN 64     /* words above which nothing is written, for the calling functions */

int main(void);

#if defined(__arm__)
static int call(int operation, const void *argument)
{
  register int r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}
#else
static int call(int operation, const void *argument)
{
  register int a0 __asm__("a0") = operation;
  register const void *a1 __asm__("a1") = argument;
  __asm__ volatile(
      ".option push\n.option norvc\n.balign 16\nslli zero, zero, 0x1f\nebreak\nsrai zero, zero, 7\n.option pop"
      : "+r"(a0) : "r"(a1) : "memory");
  return a0;
}
#endif

void write_text(const char *text)
{
  call(4, text); /* SYS_WRITE0 */
}

void leave(int code)
{
  const uint32_t block[2] = {0x20026, (uint32_t)code}; /* ADP_Stopped_ApplicationExit */
  call(code == 0 ? 0x18 : 0x20, code == 0 ? (const void *)0x20026 : block); /* SYS_EXIT, SYS_EXIT_EXTENDED */
  for (;;) {
  }
}

static uint32_t *stack_end(void)
{
  return &stack_top - &bss_end > MEASURED ? &stack_top - MEASURED : &bss_end;
}

unsigned stack_used(void)
{
  const uint32_t *word = stack_end();
  while (*word == UNUSED) {
    word++;
  }
  return (unsigned)(&stack_top - word) * 4;
}

void start_c(void)
{
  uint32_t *from = &data_load, *to;
  for (to = &data_start; to < &data_end; to++) {
    *to = *from++;
  }
  for (to = &bss_start; to < &bss_end; to++) {
    *to = 0;
  }
  for (to = stack_end(); to < (uint32_t *)__builtin_frame_address(0) - MARGIN; to++) {
    *to = UNUSED;
  }
  leave(main());
}

#if defined(__arm__)
__attribute__((section(".vectors"), used)) const void *const vectors[] = {&stack_top, (const void *)start_c};
#else
__asm__(".section .vectors, \"ax\"\n.globl start\nstart:\nla sp, stack_top\ncall start_c\n");
#endif
