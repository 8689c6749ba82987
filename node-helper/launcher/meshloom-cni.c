/*
 * meshloom-cni: what a container runtime starts as a CNI plugin. It hands the call to Meshloom's agent on this node and
 * prints the answer. When nobody answers it lets the pod pass: a mesh that is away must not keep pods from starting.
 *
 *     runtime → meshloom-cni → /run/meshloom/agent.sock → agent → iptables in the pod's network namespace
 *
 * One static program without a C library, because it is put on hosts of which nothing is known: no libc of a certain age,
 * no shell, no Node. It uses raw system calls, and of those only the ones that both x86-64 and aarch64 have.
 *
 * What goes over the socket is described in node-helper/plugin/wire.ts. What CNI asks of a plugin:
 * https://www.cni.dev/docs/spec/
 */

typedef unsigned char u8;
typedef long word;
typedef unsigned long size;

/* ---- system calls ------------------------------------------------------------------------------------------------ */

#if defined(__x86_64__)
enum {
  SYS_read = 0, SYS_write = 1, SYS_close = 3, SYS_mmap = 9, SYS_ioctl = 16, SYS_mremap = 25, SYS_getpid = 39, SYS_socket = 41,
  SYS_connect = 42, SYS_sendto = 44, SYS_clock_gettime = 228, SYS_exit_group = 231, SYS_openat = 257, SYS_mkdirat = 258,
  SYS_unlinkat = 263, SYS_renameat = 264, SYS_ppoll = 271, SYS_setns = 308
};

static word call(word number, word a, word b, word c, word d, word e, word f) {
  word result;
  register word r10 __asm__("r10") = d;
  register word r8 __asm__("r8") = e;
  register word r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/* The kernel leaves argc, argv and the environment on the stack; a C function cannot see where that was by itself. */
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call start\n");

#elif defined(__aarch64__)
enum {
  SYS_ioctl = 29, SYS_mkdirat = 34, SYS_unlinkat = 35, SYS_renameat = 38, SYS_openat = 56, SYS_close = 57, SYS_read = 63, SYS_write = 64,
  SYS_ppoll = 73, SYS_exit_group = 94, SYS_clock_gettime = 113, SYS_getpid = 172, SYS_socket = 198, SYS_connect = 203,
  SYS_sendto = 206, SYS_mremap = 216, SYS_mmap = 222, SYS_setns = 268
};

static word call(word number, word a, word b, word c, word d, word e, word f) {
  register word x8 __asm__("x8") = number;
  register word x0 __asm__("x0") = a;
  register word x1 __asm__("x1") = b;
  register word x2 __asm__("x2") = c;
  register word x3 __asm__("x3") = d;
  register word x4 __asm__("x4") = e;
  register word x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x30, #0\n  mov x0, sp\n  bl start\n");

#else
#error "Only x86-64 and aarch64."
#endif

#define CALL1(n, a) call(n, (word)(a), 0, 0, 0, 0, 0)
#define CALL2(n, a, b) call(n, (word)(a), (word)(b), 0, 0, 0, 0)
#define CALL3(n, a, b, c) call(n, (word)(a), (word)(b), (word)(c), 0, 0, 0)
#define CALL4(n, a, b, c, d) call(n, (word)(a), (word)(b), (word)(c), (word)(d), 0, 0)

enum { EINTR = 4, EAGAIN = 11, ENOMEM = 12, ENAMETOOLONG = 36, EBADMSG = 74, EPROTO = 71, ETIMEDOUT = 110, EINPROGRESS = 115 };
enum { AT_FDCWD = -100 };
enum { O_RDONLY = 0, O_WRONLY = 1, O_CREAT = 0100, O_EXCL = 0200, O_CLOEXEC = 02000000 };
enum { PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20, MREMAP_MAYMOVE = 1 };
enum { AF_UNIX = 1, SOCK_STREAM = 1, SOCK_NONBLOCK = 04000, SOCK_CLOEXEC = 02000000, MSG_NOSIGNAL = 0x4000 };
enum { POLLIN = 1, POLLOUT = 4 };
enum { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1 };
enum { CLONE_NEWNET = 0x40000000, NS_GET_USERNS = 0xb701 };

struct timespec { word seconds, nanoseconds; };
struct pollfd { int fd; short events, revents; };
struct sockaddr_un { unsigned short family; char path[108]; };

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

/* The compiler makes calls of these two out of loops and initialisers, whether there is a libc or not. */
void *memcpy(void *to, const void *from, size length) {
  for (size at = 0; at < length; at++) ((volatile u8 *)to)[at] = ((const u8 *)from)[at];
  return to;
}
void *memset(void *to, int value, size length) {
  for (size at = 0; at < length; at++) ((volatile u8 *)to)[at] = (u8)value;
  return to;
}

static size length_of(const char *text) {
  size length = 0;
  while (text[length]) length++;
  return length;
}

/* A part of a larger text; `at` 0: none. */
struct part { const char *at; size length; };

static struct part part_of(const char *text) { return (struct part){text, text ? length_of(text) : 0}; }

static int is(struct part part, const char *text) {
  size at = 0;
  for (; at < part.length && text[at]; at++)
    if (part.at[at] != text[at]) return 0;
  return at == part.length && !text[at];
}

/* A text that grows. What does not fit makes it `full`, and it is not used. */
struct text { char *at; size length, room; int full; };

static void add_part(struct text *text, struct part part) {
  if (part.length > text->room - text->length) { text->full = 1; return; }
  memcpy(text->at + text->length, part.at, part.length);
  text->length += part.length;
}
static void add(struct text *text, const char *more) { add_part(text, part_of(more)); }
static void add_number(struct text *text, word number) {
  char digits[24];
  size at = sizeof digits;
  size rest = number < 0 ? -(size)number : (size)number;
  do digits[--at] = (char)('0' + rest % 10); while (rest /= 10);
  if (number < 0) digits[--at] = '-';
  add_part(text, (struct part){digits + at, sizeof digits - at});
}
#define TEXT(name, room) char name##_room[room]; struct text name = {name##_room, 0, room, 0}

/* ---- time: 10 seconds for a pod's start, 2 for all else, whatever hangs --------------------------------------------------------------------- */

static word deadline;

static word milliseconds(int clock) {
  struct timespec now = {0, 0};
  CALL2(SYS_clock_gettime, clock, &now);
  return now.seconds * 1000 + now.nanoseconds / 1000000;
}

/* Waits until the file is ready. 0: it is; else an error. `fd` -1: only wait, for at most `most` ms. */
static word wait_for(int fd, short events, word most) {
  for (;;) {
    word left = deadline - milliseconds(CLOCK_MONOTONIC);
    if (left <= 0) return -ETIMEDOUT;
    if (left > most) left = most;
    struct timespec time = {left / 1000, left % 1000 * 1000000};
    struct pollfd file = {fd, events, 0};
    word ready = call(SYS_ppoll, (word)&file, fd < 0 ? 0 : 1, (word)&time, 0, 0, 0);
    /* Whatever is up with the file (an error, the other end gone), reading or writing tells it. */
    if (ready > 0 || (ready == 0 && fd < 0)) return 0;
    if (ready < 0 && ready != -EINTR) return ready;
  }
}

/* ---- reading and writing ------------------------------------------------------------------------------------------ */

enum { MOST_BYTES = 16 * 1024 * 1024, FIRST_BYTES = 64 * 1024 };

/* Reads to the end, into memory that grows. The runtime may hold its end open for ever: the deadline ends that. */
static word read_all(int fd, struct part *into) {
  size room = FIRST_BYTES, length = 0;
  word memory = call(SYS_mmap, 0, (word)room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory < 0 && memory > -4096) return memory;
  for (;;) {
    if (length == room) {
      if (room >= MOST_BYTES) return -ENOMEM;
      memory = CALL4(SYS_mremap, memory, room, room * 4, MREMAP_MAYMOVE);
      if (memory < 0 && memory > -4096) return memory;
      room *= 4;
    }
    word waited = wait_for(fd, POLLIN, 10000);
    if (waited < 0) return waited;
    word count = CALL3(SYS_read, fd, memory + (word)length, room - length);
    if (count == -EINTR || count == -EAGAIN) continue;
    if (count < 0) return count;
    if (count == 0) break;
    length += (size)count;
  }
  *into = (struct part){(const char *)memory, length};
  return 0;
}

/* To the runtime or into a file: there is nothing to be done when it fails, except to tell by the exit code. */
static word write_all(int fd, struct part bytes) {
  while (bytes.length > 0) {
    word count = CALL3(SYS_write, fd, bytes.at, bytes.length);
    if (count == -EINTR) continue;
    if (count == -EAGAIN) {
      word waited = wait_for(fd, POLLOUT, 10000);
      if (waited < 0) return waited;
      continue;
    }
    if (count <= 0) return count < 0 ? count : -EPROTO;
    bytes.at += count;
    bytes.length -= (size)count;
  }
  return 0;
}

/* MSG_NOSIGNAL: an agent that dies in the middle must not take us along with SIGPIPE. */
static word send_all(int fd, struct part bytes) {
  while (bytes.length > 0) {
    word count = call(SYS_sendto, fd, (word)bytes.at, (word)bytes.length, MSG_NOSIGNAL, 0, 0);
    if (count == -EINTR) continue;
    if (count == -EAGAIN) {
      word waited = wait_for(fd, POLLOUT, 10000);
      if (waited < 0) return waited;
      continue;
    }
    if (count <= 0) return count < 0 ? count : -EPROTO;
    bytes.at += count;
    bytes.length -= (size)count;
  }
  return 0;
}

static __attribute__((noreturn)) void leave(int code) {
  for (;;) CALL1(SYS_exit_group, code);
}

/* ---- JSON: checked whole, and four keys of the outermost object found ---------------------------------------------- */

/* As deep as Go's own reader goes, so that what we take is what other plugins take. */
enum { MOST_NESTING = 10000 };

/* All of these return the place behind what they have read, 0 when it is no JSON. */

static const char *skip_space(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

static int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

static const char *skip_string(const char *at, const char *end) {
  if (at >= end || *at++ != '"') return 0;
  for (; at < end; at++) {
    if (*at == '"') return at + 1;
    if ((u8)*at < 0x20) return 0;
    if (*at != '\\') continue;
    if (++at >= end) return 0;
    if (*at == 'u') {
      if (end - at <= 4) return 0;
      for (int digit = 0; digit < 4; digit++)
        if (hex_value(*++at) < 0) return 0;
      continue;
    }
    static const char escapes[] = "\"\\/bfnrt";
    size known = 0;
    while (escapes[known] && escapes[known] != *at) known++;
    if (!escapes[known]) return 0;
  }
  return 0;
}

static const char *skip_digits(const char *at, const char *end) {
  const char *first = at;
  while (at < end && *at >= '0' && *at <= '9') at++;
  return at > first ? at : 0;
}

static const char *skip_number(const char *at, const char *end) {
  if (at < end && *at == '-') at++;
  if (at < end && *at == '0') at++;
  else if (!(at = skip_digits(at, end))) return 0;
  if (at < end && *at == '.' && !(at = skip_digits(at + 1, end))) return 0;
  if (at < end && (*at == 'e' || *at == 'E')) {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    if (!(at = skip_digits(at, end))) return 0;
  }
  return at;
}

static const char *skip_word(const char *at, const char *end, const char *word) {
  for (; *word; word++, at++)
    if (at >= end || *at != *word) return 0;
  return at;
}

static const char *skip_scalar(const char *at, const char *end) {
  if (at >= end) return 0;
  if (*at == '"') return skip_string(at, end);
  if (*at == 't') return skip_word(at, end, "true");
  if (*at == 'f') return skip_word(at, end, "false");
  if (*at == 'n') return skip_word(at, end, "null");
  return skip_number(at, end);
}

/* From the key's quote to behind the colon. */
static const char *skip_key(const char *at, const char *end) {
  at = skip_string(skip_space(at, end), end);
  if (!at) return 0;
  at = skip_space(at, end);
  return at < end && *at == ':' ? at + 1 : 0;
}

/* Not recursive: how deep a stranger's text is nested must not decide how deep our stack is. */
static const char *skip_value(const char *at, const char *end) {
  static u8 objects[MOST_NESTING / 8 + 1]; /* One bit per level: an object, else an array. */
  int depth = 0;
  for (;;) {
    at = skip_space(at, end);
    if (at < end && (*at == '{' || *at == '[')) {
      /* The outermost object is a level too. */
      if (depth + 1 >= MOST_NESTING) return 0;
      int object = *at == '{';
      objects[depth / 8] = (u8)((objects[depth / 8] & ~(1 << depth % 8)) | object << depth % 8);
      depth++;
      at = skip_space(at + 1, end);
      if (at >= end || *at != (object ? '}' : ']')) {
        if (object && !(at = skip_key(at, end))) return 0;
        continue;
      }
      depth--;
      at++;
    } else if (!(at = skip_scalar(at, end))) return 0;
    for (;;) {
      if (depth == 0) return at;
      int object = objects[(depth - 1) / 8] >> (depth - 1) % 8 & 1;
      at = skip_space(at, end);
      if (at >= end) return 0;
      if (*at == ',') {
        at++;
        if (object && !(at = skip_key(at, end))) return 0;
        break;
      }
      if (*at++ != (object ? '}' : ']')) return 0;
      depth--;
    }
  }
}

static void add_utf8(struct text *text, unsigned code) {
  char bytes[4];
  size length = 1;
  if (code < 0x80) bytes[0] = (char)code;
  else if (code < 0x800) {
    bytes[0] = (char)(0xC0 | code >> 6);
    bytes[1] = (char)(0x80 | (code & 0x3F));
    length = 2;
  } else if (code < 0x10000) {
    bytes[0] = (char)(0xE0 | code >> 12);
    bytes[1] = (char)(0x80 | (code >> 6 & 0x3F));
    bytes[2] = (char)(0x80 | (code & 0x3F));
    length = 3;
  } else {
    bytes[0] = (char)(0xF0 | code >> 18);
    bytes[1] = (char)(0x80 | (code >> 12 & 0x3F));
    bytes[2] = (char)(0x80 | (code >> 6 & 0x3F));
    bytes[3] = (char)(0x80 | (code & 0x3F));
    length = 4;
  }
  add_part(text, (struct part){bytes, length});
}

static unsigned hex4(const char *at) {
  unsigned code = 0;
  for (int digit = 0; digit < 4; digit++) code = code << 4 | (unsigned)hex_value(at[digit]);
  return code;
}

/* What a string of JSON, quotes included, says. It has been checked before. */
static void add_string(struct text *text, struct part string) {
  const char *end = string.at + string.length - 1;
  for (const char *at = string.at + 1; at < end; at++) {
    if (*at != '\\') { add_part(text, (struct part){at, 1}); continue; }
    switch (*++at) {
      case 'b': add(text, "\b"); break;
      case 'f': add(text, "\f"); break;
      case 'n': add(text, "\n"); break;
      case 'r': add(text, "\r"); break;
      case 't': add(text, "\t"); break;
      case 'u': {
        unsigned code = hex4(at + 1);
        at += 4;
        int high = code >= 0xD800 && code < 0xDC00;
        unsigned low = high && end - at > 6 && at[1] == '\\' && at[2] == 'u' ? hex4(at + 3) : 0;
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          at += 6;
        } else if (code >= 0xD800 && code < 0xE000) code = 0xFFFD;
        add_utf8(text, code);
        break;
      }
      default: add_part(text, (struct part){at, 1});
    }
  }
}

/* The values as they stand in the text. */
struct config { struct part prev_result, version, socket, directory, name; };
static const struct config nothing_said;

/* 0 when the text is not one object of JSON. Of a key that comes twice the last one counts, as in Go. */
static int parse_config(struct part text, struct config *config) {
  const char *at = text.at, *end = text.at + text.length;
  at = skip_space(at, end);
  if (at >= end || *at++ != '{') return 0;
  at = skip_space(at, end);
  if (at < end && *at == '}') return skip_space(at + 1, end) == end;
  for (;;) {
    at = skip_space(at, end);
    const char *string_end = skip_string(at, end);
    if (!string_end) return 0;
    TEXT(key, 32);
    add_string(&key, (struct part){at, (size)(string_end - at)});
    if (!(at = skip_key(at, end))) return 0;
    at = skip_space(at, end);
    struct part value = {at, 0};
    if (!(at = skip_value(at, end))) return 0;
    value.length = (size)(at - value.at);
    struct part name = {key.at, key.full ? 0 : key.length};
    if (is(name, "prevResult")) config->prev_result = value;
    if (is(name, "cniVersion")) config->version = value;
    if (is(name, "socket")) config->socket = value;
    if (is(name, "directory")) config->directory = value;
    if (is(name, "name")) config->name = value;
    at = skip_space(at, end);
    if (at >= end) return 0;
    if (*at == '}') return skip_space(at + 1, end) == end;
    if (*at++ != ',') return 0;
  }
}

/* ---- the protocol ------------------------------------------------------------------------------------------------- */

#define SUPPORTED "\"0.1.0\",\"0.2.0\",\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\""
static const char *const versions[] = {"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"};
enum { V0_1_0, V0_2_0, V0_3_0, V0_3_1, V0_4_0, V1_0_0, V1_1_0, VERSIONS };

enum { NEEDS_CONTAINER = 1, NEEDS_NETNS = 2, NEEDS_PATH = 4 };

/* Since which version of the specification, what must be in the environment, and whether it may fail at all. */
static const struct command { const char *name; int since, needs, may_fail; } commands[] = {
  {"ADD", V0_1_0, NEEDS_CONTAINER | NEEDS_NETNS, 0},
  {"DEL", V0_1_0, NEEDS_CONTAINER, 0},
  {"CHECK", V0_4_0, NEEDS_CONTAINER | NEEDS_NETNS, 1},
  {"STATUS", V1_1_0, NEEDS_PATH, 0},
  {"GC", V1_1_0, NEEDS_PATH, 0},
};
enum { ADD, DEL, CHECK, STATUS, GC, COMMANDS };

/* From 100 on they are a plugin's own. */
enum { BAD_VERSION = 1, BAD_ENVIRONMENT = 4, BAD_JSON = 6, NO_NETWORK = 101 };

static const char *version = "1.1.0";

static __attribute__((noreturn)) void fail(int code, const char *message, struct part details) {
  TEXT(error, 1024);
  add(&error, "{\"cniVersion\":\"");
  add(&error, version);
  add(&error, "\",\"code\":");
  add_number(&error, code);
  add(&error, ",\"msg\":\"");
  add(&error, message);
  add(&error, "\",\"details\":\"");
  if (details.length > 200) details.length = 200;
  for (size at = 0; at < details.length; at++) {
    /* Only what needs no escape in JSON: it comes from outside. */
    char letter = details.at[at];
    int plain = letter >= ' ' && letter < 127 && letter != '"' && letter != '\\';
    add_part(&error, (struct part){plain ? &letter : "?", 1});
  }
  add(&error, "\"}\n");
  write_all(1, (struct part){error.at, error.length});
  leave(1);
}

/* Names of files are made of it: nothing else may be in it. As the specification says. */
static int is_container_id(struct part id) {
  if (id.length == 0 || id.length > 200) return 0;
  for (size at = 0; at < id.length; at++) {
    char letter = id.at[at];
    int plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
    if (!plain && (at == 0 || (letter != '_' && letter != '.' && letter != '-'))) return 0;
  }
  return 1;
}

/* What Linux takes for the name of an interface. */
static int is_interface_name(struct part name) {
  if (name.length == 0 || name.length > 15 || is(name, ".") || is(name, "..")) return 0;
  for (size at = 0; at < name.length; at++) {
    char letter = name.at[at];
    if (letter == '/' || letter == ':' || letter == ' ' || (letter >= '\t' && letter <= '\r')) return 0;
  }
  return 1;
}

/* ---- the environment ---------------------------------------------------------------------------------------------- */

static char **environment;

/* The value behind `NAME=`; the first one counts. */
static struct part variable(const char *name) {
  size length = length_of(name);
  for (char **entry = environment; *entry; entry++) {
    size at = 0;
    while (at < length && (*entry)[at] == name[at]) at++;
    if (at == length && (*entry)[at] == '=') return part_of(*entry + length + 1);
  }
  return (struct part){0, 0};
}

static void check_environment(int needs) {
  struct part id = variable("CNI_CONTAINERID"), name = variable("CNI_IFNAME");
  if (needs & NEEDS_CONTAINER) {
    if (!id.length) fail(BAD_ENVIRONMENT, "required env variables missing", part_of("CNI_CONTAINERID"));
    if (!is_container_id(id)) fail(BAD_ENVIRONMENT, "invalid characters in containerID", id);
    if (!name.length) fail(BAD_ENVIRONMENT, "required env variables missing", part_of("CNI_IFNAME"));
    if (!is_interface_name(name)) fail(BAD_ENVIRONMENT, "invalid interface name", name);
  }
  if (needs & NEEDS_NETNS && !variable("CNI_NETNS").length)
    fail(BAD_ENVIRONMENT, "required env variables missing", part_of("CNI_NETNS"));
  if (needs & NEEDS_PATH && !variable("CNI_PATH").length)
    fail(BAD_ENVIRONMENT, "required env variables missing", part_of("CNI_PATH"));
}

/* ---- asking the agent --------------------------------------------------------------------------------------------- */

static word connect_to(struct part path) {
  struct sockaddr_un address = {AF_UNIX, {0}};
  if (path.length >= sizeof address.path) return -ENAMETOOLONG;
  memcpy(address.path, path.at, path.length);
  word fd = CALL3(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  for (;;) {
    word error = CALL3(SYS_connect, fd, &address, sizeof address);
    if (error == 0) return fd;
    /* A full backlog is EAGAIN at once, and there is nothing to wait on: many pods start together, so try again soon. */
    if (error == -EAGAIN || error == -EINTR) {
      word waited = wait_for(-1, 0, 5);
      if (waited == 0) continue;
      error = waited;
    }
    CALL1(SYS_close, fd);
    return error;
  }
}

static void add_environment(struct text *text) {
  for (char **entry = environment; *entry; entry++)
    if ((*entry)[0] == 'C' && (*entry)[1] == 'N' && (*entry)[2] == 'I' && (*entry)[3] == '_')
      add_part(text, (struct part){*entry, length_of(*entry) + 1});
}

static word send_request(int fd, word netns, struct part config) {
  /* The kernel allows one variable 128 KiB; a runtime sends some hundred bytes. */
  static char block[256 * 1024];
  struct text variables = {block, 0, sizeof block, 0};
  add_environment(&variables);
  if (variables.full) return -ENOMEM;
  TEXT(header, 128);
  add(&header, "meshloom-cni 1 ");
  add_number(&header, call(SYS_getpid, 0, 0, 0, 0, 0, 0));
  add(&header, " ");
  add_number(&header, netns);
  add(&header, " ");
  add_number(&header, (word)variables.length);
  add(&header, " ");
  add_number(&header, (word)config.length);
  add(&header, "\n");
  word error = send_all(fd, (struct part){header.at, header.length});
  if (!error) error = send_all(fd, (struct part){variables.at, variables.length});
  return error ? error : send_all(fd, config);
}

static const char *read_number(const char *at, const char *end, char until, word *number) {
  *number = 0;
  const char *first = at;
  while (at < end && *at >= '0' && *at <= '9' && at - first < 9) *number = *number * 10 + (*at++ - '0');
  return at > first && at < end && *at == until ? at + 1 : 0;
}

/* `meshloom-cni 1 <exit code> <bytes>\n` and exactly so many bytes. */
static word parse_answer(struct part answer, word *code, struct part *output) {
  const char *end = answer.at + answer.length;
  const char *at = skip_word(answer.at, end, "meshloom-cni 1 ");
  word length = 0;
  if (at) at = read_number(at, end, ' ', code);
  if (at) at = read_number(at, end, '\n', &length);
  if (!at || *code > 255 || end - at != length) return -EBADMSG;
  *output = (struct part){at, (size)length};
  return 0;
}

static word ask_agent(struct part socket, struct part config, word *code, struct part *output) {
  /* Held open until we end: the agent reaches the namespace as /proc/<us>/fd/<this>. */
  struct part path = variable("CNI_NETNS");
  word netns = path.length ? CALL4(SYS_openat, AT_FDCWD, path.at, O_RDONLY | O_CLOEXEC, 0) : -1;
  /* The user namespace that it belongs to, held open the same way: for a pod with `hostUsers: false` it is not the host's,
     and rules that match by owner are taken from nobody outside of it. Kernels before 4.9 cannot tell. */
  if (netns >= 0) CALL2(SYS_ioctl, netns, NS_GET_USERNS);
  word fd = connect_to(socket);
  if (fd < 0) return fd;
  /* Standing in it ourselves makes /proc/<us>/net the pod's: the agent sees what is there without starting a program.
     Not allowed, or no such namespace: the agent looks in another way. */
  if (netns >= 0) CALL2(SYS_setns, netns, CLONE_NEWNET);
  struct part answer = {0, 0};
  word error = send_request((int)fd, netns < 0 ? -1 : netns, config);
  if (!error) error = read_all((int)fd, &answer);
  return error ? error : parse_answer(answer, code, output);
}

/* ---- when nobody answers ------------------------------------------------------------------------------------------ */

/* One line of the note. A line break in a value must not begin another line. */
static void add_line(struct text *note, const char *name, struct part value) {
  add(note, name);
  add(note, "=");
  for (size at = 0; at < value.length; at++)
    add_part(note, (struct part){(u8)value.at[at] < ' ' ? "?" : value.at + at, 1});
  add(note, "\n");
}

static void make_directories(char *path) {
  for (char *at = path + 1; *at; at++) {
    if (*at != '/') continue;
    *at = 0;
    CALL3(SYS_mkdirat, AT_FDCWD, path, 0755);
    *at = '/';
  }
}

/* `<directory>/missed/<container id>`, for the agent to find when it is back. That it cannot be written is no failure. */
static void leave_note(struct part directory, struct part socket, word error) {
  static char room[256 * 1024];
  struct text note = {room, 0, sizeof room, 0};
  struct part id = variable("CNI_CONTAINERID");
  add_line(&note, "CNI_CONTAINERID", id);
  add_line(&note, "CNI_NETNS", variable("CNI_NETNS"));
  add_line(&note, "CNI_IFNAME", variable("CNI_IFNAME"));
  add_line(&note, "CNI_ARGS", variable("CNI_ARGS"));
  add_line(&note, "SOCKET", socket);
  add(&note, "ERRNO=");
  add_number(&note, -error);
  add(&note, "\nTIME_MS=");
  add_number(&note, milliseconds(CLOCK_REALTIME));
  add(&note, "\n");
  TEXT(path, 1024);
  add_part(&path, directory);
  add(&path, "/missed/");
  struct text temporary = path;
  char temporary_room[1024];
  memcpy(temporary_room, path.at, path.length);
  temporary.at = temporary_room;
  add_part(&path, id);
  add_part(&path, (struct part){"", 1});
  /* A dot first, which no container id has: who lists the directory passes it by. */
  add(&temporary, ".");
  add_number(&temporary, call(SYS_getpid, 0, 0, 0, 0, 0, 0));
  add(&temporary, ".");
  add_part(&temporary, id);
  add_part(&temporary, (struct part){"", 1});
  if (note.full || path.full || temporary.full) return;
  make_directories(path.at);
  /* Left over by a process of that number that was killed. */
  CALL3(SYS_unlinkat, AT_FDCWD, temporary.at, 0);
  word fd = CALL4(SYS_openat, AT_FDCWD, temporary.at, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return;
  word written = write_all((int)fd, (struct part){note.at, note.length});
  CALL1(SYS_close, fd);
  if (!written) written = CALL4(SYS_renameat, AT_FDCWD, temporary.at, AT_FDCWD, path.at);
  if (written) CALL3(SYS_unlinkat, AT_FDCWD, temporary.at, 0);
}

static int is_object(struct part value) { return value.length > 0 && *value.at == '{'; }

/* Whether a string of JSON says this. */
static int is_text(struct part string, const char *wanted) {
  TEXT(said, 32);
  if (string.length < 2 || *string.at != '"') return 0;
  add_string(&said, string);
  return !said.full && is((struct part){said.at, said.length}, wanted);
}

/*
 * Whether the pod has no interface yet. Called by Multus or Galaxy it has one; called by the runtime itself, because all other
 * configurations are gone, it has none and would get none. What the kernel puts into every new namespace does not count.
 */
static int is_bare(void) {
  static const char *const always[] = {"lo", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"};
  struct part path = variable("CNI_NETNS"), table = {0, 0};
  word netns = CALL4(SYS_openat, AT_FDCWD, path.at, O_RDONLY | O_CLOEXEC, 0);
  if (netns < 0) return 0;
  word entered = CALL2(SYS_setns, netns, CLONE_NEWNET);
  CALL1(SYS_close, netns);
  if (entered < 0) return 0;
  word fd = CALL4(SYS_openat, AT_FDCWD, "/proc/self/net/dev", O_RDONLY | O_CLOEXEC, 0);
  word unread = fd < 0 ? fd : read_all((int)fd, &table);
  CALL1(SYS_close, fd);
  if (unread < 0) return 0;
  /* Two lines of headings, then "  eth0: 12 3 …" for each; a heading has no colon. */
  const char *at = table.at, *end = table.at + table.length;
  while (at < end) {
    const char *line = skip_space(at, end), *colon = line;
    while (colon < end && *colon != ':' && *colon != '\n') colon++;
    if (colon < end && *colon == ':') {
      size known = 0, count = sizeof always / sizeof *always;
      while (known < count && !is((struct part){line, (size)(colon - line)}, always[known])) known++;
      if (known == count) return 0;
    }
    for (at = colon; at < end && *at != '\n'; at++) {}
  }
  return 1;
}

static word print_add_result(struct part prev_result, int asked) {
  if (is_object(prev_result)) return write_all(1, prev_result);
  /* First in its list, or called alone by a delegating plugin: it has made no interface and has no address to tell. */
  TEXT(result, 128);
  add(&result, "{\"cniVersion\":\"");
  add(&result, version);
  add(&result, asked < V0_3_0 ? "\"}" : "\",\"interfaces\":[],\"ips\":[],\"routes\":[],\"dns\":{}}");
  return write_all(1, (struct part){result.at, result.length});
}

/* ---- one call ----------------------------------------------------------------------------------------------------- */

static __attribute__((noreturn)) void answer_version(void) {
  TEXT(answer, 256);
  add(&answer, "{\"cniVersion\":\"");
  add(&answer, version);
  add(&answer, "\",\"supportedVersions\":[" SUPPORTED "]}\n");
  leave(write_all(1, (struct part){answer.at, answer.length}) ? 1 : 0);
}

/* A string of the configuration as a path; else what is usual. */
static struct part path_of(struct part value, struct text *room, const char *usual) {
  if (value.length < 2 || *value.at != '"') return part_of(usual);
  add_string(room, value);
  int bad = room->full || room->length == 0 || room->at[0] != '/';
  for (size at = 0; at < room->length; at++) bad |= room->at[at] == 0;
  return bad ? part_of(usual) : (struct part){room->at, room->length};
}

/* The index of the version that is asked for; VERSIONS for one that is not known, -1 for what is no version at all. */
static int find_version(struct part value, struct text *room) {
  if (value.length == 0) return V0_1_0;
  if (*value.at == 'n') return V0_1_0;
  if (*value.at != '"') return -1;
  add_string(room, value);
  struct part asked = {room->at, room->length};
  if (asked.length == 0) return V0_1_0;
  for (int known = 0; known < VERSIONS; known++)
    if (is(asked, versions[known])) return known;
  return VERSIONS;
}

__attribute__((noreturn, used)) void start(word *stack) {
  environment = (char **)(stack + 1 + stack[0] + 1);
  deadline = milliseconds(CLOCK_MONOTONIC) + 10000;
  struct part name = variable("CNI_COMMAND");
  int command = 0;
  while (command < COMMANDS && !is(name, commands[command].name)) command++;
  int asks_version = is(name, "VERSION");
  if (!name.length) fail(BAD_ENVIRONMENT, "required env variables missing", part_of("CNI_COMMAND"));
  if (command == COMMANDS && !asks_version) fail(BAD_ENVIRONMENT, "unknown CNI_COMMAND", name);
  if (!asks_version) check_environment(commands[command].needs);
  /* The rest has nothing to undo: the agent finds out by itself which pods are gone, and their end is not held up for it. */
  if (command != ADD && command != CHECK) deadline = milliseconds(CLOCK_MONOTONIC) + 2000;

  struct part text = {0, 0};
  struct config config = nothing_said;
  word unread = read_all(0, &text);
  int parsed = !unread && parse_config(text, &config);
  if (!parsed) config = nothing_said;
  TEXT(written, 64);
  int asked = find_version(config.version, &written);
  if (asked >= 0 && asked < VERSIONS && parsed) version = versions[asked];
  if (asks_version) answer_version();
  /* A pod must be able to end, whatever has become of the configuration since it started. */
  if (command != DEL) {
    if (!parsed) fail(BAD_JSON, "the network configuration is not a JSON object", (struct part){text.at, text.length});
    if (asked < 0) fail(BAD_JSON, "cniVersion is not a string", config.version);
    if (asked == VERSIONS)
      fail(BAD_VERSION, "incompatible CNI versions: supported are 0.1.0 to 1.1.0", (struct part){written.at, written.length});
    if (asked < commands[command].since) fail(BAD_VERSION, "config version does not allow this command", name);
  }

  /* With an agent or without, the pod gets its result: there is nothing that may be not ready. */
  if (command == STATUS) leave(0);
  /* Runtimes call a pod's own network eth0; what a delegating plugin calls besides has another name. */
  if (command == ADD && !is_object(config.prev_result) && is(variable("CNI_IFNAME"), "eth0") &&
      is_text(config.name, "meshloom-cni") && is_bare())
    fail(NO_NETWORK, "meshloom-cni makes no interface, and is the only network that this pod is given: the network plugin's own "
         "configuration is gone, or comes after the one of meshloom-cni", variable("CNI_IFNAME"));

  TEXT(socket_room, 512);
  TEXT(directory_room, 512);
  struct part socket = path_of(config.socket, &socket_room, "/run/meshloom/agent.sock");
  struct part directory = path_of(config.directory, &directory_room, "/run/meshloom");
  word code = 0;
  struct part output = {0, 0};
  word error = ask_agent(socket, text, &code, &output);
  /* An agent that fails what may not fail, or gives no result where one is due, is as good as none. */
  if (!error && ((code != 0 && !commands[command].may_fail) || (command == ADD && output.length == 0))) error = -EPROTO;
  if (!error) leave(write_all(1, output) ? 1 : (int)code);
  if (command != ADD) leave(0);
  leave_note(directory, socket, error);
  leave(print_add_result(config.prev_result, asked) ? 1 : 0);
}
