/* arena.c - blocks that double, and the jump when there are no more
 *
 * A request costs a few comparisons. What a reset leaves is zeroed there, so
 * that an allocation need not. A request that does not fit the current block
 * goes to the next one that has room; what is left behind it stays unused until
 * the reset.
 */
#include "base/arena.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks start at 16 KiB and double up to 16 MiB: few calls for large arenas,
 * little waste for small ones. */
#define BLOCK_MIN_BYTES ((size_t)16 << 10)
#define BLOCK_MAX_BYTES ((size_t)16 << 20)
#define ALIGN_SMALL ((size_t)16)
#define ALIGN_LARGE ((size_t)64)

/* Bytes from `used` to `cap` are zero. */
struct qvl_arena_block {
    qvl_arena_block *next;
    char *data;   // into this block, aligned to ALIGN_LARGE
    size_t used;
    size_t cap;
};

/* A guard on the stack of this thread, innermost first. */
typedef struct guard {
    jmp_buf jump;
    struct guard *outer;
    volatile size_t bytes;  // of the request that failed; set before the jump
} guard;

static _Thread_local guard *innermost;
static _Thread_local size_t limit_bytes = SIZE_MAX;

void qvl_memory_limit(size_t bytes)
{
    limit_bytes = bytes;
}

void qvl_memory_fail(size_t bytes)
{
    if (innermost == NULL) {
        fprintf(stderr, "qvl: out of memory, %zu bytes were asked for\n",
                bytes);
        abort();
    }
    innermost->bytes = bytes;
    longjmp(innermost->jump, 1);
}

int qvl_guard(int (*fn)(void *), void *arg, qvl_err *err)
{
    guard g = { .outer = innermost };
    innermost = &g;
    if (setjmp(g.jump) == 0) {
        int rc = fn(arg);
        innermost = g.outer;
        return rc;
    }
    innermost = g.outer;
    return qvl_fail(err, QVL_E_MEMORY,
                    "host memory: %zu bytes were asked for, none are left",
                    g.bytes);
}

/* Count a request against the limit that a test has set. */
static void charge(size_t bytes)
{
    if (limit_bytes == SIZE_MAX)
        return;
    if (bytes > limit_bytes)
        qvl_memory_fail(bytes);
    limit_bytes -= bytes;
}

void *qvl_memory_resize(void *p, size_t bytes)
{
    charge(bytes);
    void *q = realloc(p, bytes != 0 ? bytes : 1);
    if (q == NULL)
        qvl_memory_fail(bytes);
    return q;
}

void *qvl_memory_zeroed(size_t n, size_t bytes)
{
    if (bytes != 0 && n > SIZE_MAX / bytes)
        qvl_memory_fail(SIZE_MAX);
    charge(n * bytes);
    void *p = calloc(n != 0 ? n : 1, bytes != 0 ? bytes : 1);
    if (p == NULL)
        qvl_memory_fail(n * bytes);
    return p;
}

void qvl_arena_init(qvl_arena *a)
{
    *a = (qvl_arena){ 0 };
}

void qvl_arena_release(qvl_arena *a)
{
    if (a == NULL)
        return;
    for (qvl_arena_block *b = a->first; b != NULL;) {
        qvl_arena_block *next = b->next;
        free(b);
        b = next;
    }
    *a = (qvl_arena){ 0 };
}

/* Blocks of `from` come first: what is handed out next comes from where it did. */
void qvl_arena_join(qvl_arena *a, qvl_arena *from)
{
    qvl_arena_block *last = from->first;
    if (last == NULL)
        return;
    while (last->next != NULL)
        last = last->next;
    last->next = a->first;
    a->first = from->first;
    if (a->current == NULL)
        a->current = last;
    *from = (qvl_arena){ 0 };
}

void qvl_arena_reset(qvl_arena *a)
{
    for (qvl_arena_block *b = a->first; b != NULL; b = b->next) {
        memset(b->data, 0, b->used);
        b->used = 0;
    }
    a->current = a->first;
}

/* Add a block behind the current one, with room for `bytes` at its start.
 * calloc leaves the pages of a large block untouched. */
static qvl_arena_block *add_block(qvl_arena *a, size_t bytes)
{
    qvl_arena_block *last = a->current;
    size_t cap = BLOCK_MIN_BYTES;
    if (last != NULL)
        cap = last->cap < BLOCK_MAX_BYTES / 2 ? 2 * last->cap : BLOCK_MAX_BYTES;
    if (cap < bytes)
        cap = bytes;
    size_t head_bytes = sizeof(qvl_arena_block) + ALIGN_LARGE;
    if (cap > SIZE_MAX - head_bytes)
        qvl_memory_fail(bytes);
    qvl_arena_block *b = calloc(1, head_bytes + cap);
    if (b == NULL)
        qvl_memory_fail(bytes);

    uintptr_t start = (uintptr_t)(b + 1);
    b->data = (char *)(b + 1) + (ALIGN_LARGE - start % ALIGN_LARGE) % ALIGN_LARGE;
    b->cap = cap;
    if (last != NULL) {
        b->next = last->next;
        last->next = b;
    } else {
        a->first = b;
    }
    return b;
}

/* Offset of the next free byte with an alignment; SIZE_MAX when `bytes` do not
 * fit behind it. */
static size_t room_in(const qvl_arena_block *b, size_t bytes, size_t align)
{
    size_t offset = (b->used + align - 1) / align * align;
    return offset <= b->cap && bytes <= b->cap - offset ? offset : SIZE_MAX;
}

void *qvl_arena_alloc(qvl_arena *a, size_t bytes)
{
    assert(a != NULL);

    charge(bytes);
    if (bytes == 0)
        bytes = 1;
    size_t align = bytes >= ALIGN_LARGE ? ALIGN_LARGE : ALIGN_SMALL;
    qvl_arena_block *b = a->current;
    size_t offset = b != NULL ? room_in(b, bytes, align) : SIZE_MAX;
    /* Blocks behind the current one are empty and left from before a reset. */
    while (offset == SIZE_MAX && b != NULL && b->next != NULL) {
        b = b->next;
        offset = room_in(b, bytes, align);
    }
    if (offset == SIZE_MAX) {
        if (b != NULL)
            a->current = b;
        b = add_block(a, bytes);
        offset = 0;
    }
    a->current = b;
    b->used = offset + bytes;
    return b->data + offset;
}

void *qvl_arena_alloc_n(qvl_arena *a, size_t n, size_t bytes)
{
    if (bytes != 0 && n > SIZE_MAX / bytes)
        qvl_memory_fail(SIZE_MAX);
    return qvl_arena_alloc(a, n * bytes);
}

char *qvl_arena_strndup(qvl_arena *a, const char *s, size_t n)
{
    char *copy = qvl_arena_alloc(a, n + 1);
    if (n > 0)
        memcpy(copy, s, n);
    return copy;
}

char *qvl_arena_strdup(qvl_arena *a, const char *s)
{
    return qvl_arena_strndup(a, s, strlen(s));
}

char *qvl_arena_printf(qvl_arena *a, const char *fmt, ...)
{
    va_list args;
    va_list again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    assert(n >= 0);
    char *text = qvl_arena_alloc(a, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

size_t qvl_arena_used_bytes(const qvl_arena *a)
{
    size_t used = 0;
    for (const qvl_arena_block *b = a->first; b != NULL; b = b->next)
        used += b->used;
    return used;
}
