/* compiler.h - the only home of compiler differences
 *
 * Attributes that C11 has no word for. Each is empty where the compiler does
 * not know it, so none may change what a program does.
 */
#ifndef QVL_COMPILER_H
#define QVL_COMPILER_H

#if defined(__GNUC__) || defined(__clang__)
/* Argument `f` is a printf format, the values start at argument `v`. */
#define QVL_PRINTF(f, v) __attribute__((format(printf, f, v)))
/* Before a declaration: the name may stay unused. */
#define QVL_UNUSED __attribute__((unused))
#else
#define QVL_PRINTF(f, v)
#define QVL_UNUSED
#endif

#define QVL_NORETURN _Noreturn

/* Elements of an array (never of a pointer). */
#define QVL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
