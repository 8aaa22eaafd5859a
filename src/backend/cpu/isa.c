/* isa.c - which instruction set the C kernels run with */
#include "backend/cpu/isa.h"

#include <cpuid.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[QVL_N_ISA] = { QVL_ISA_TABLE(QVL_ISA_TEXT) };

const char *qvl_isa_name(qvl_isa isa)
{
    return names[isa];
}

/* Bits of ECX in leaves of CPUID. */
enum { LEAF_BASIC = 1, BIT_MOVBE = 22, BIT_F16C = 29 };
#define LEAF_MORE 0x80000001u
enum { BIT_LZCNT = 5 };

/* What x86-64-v3 adds and not every compiler's builtin has a word for. The operating
 * system's part of it is that of AVX2. */
static bool has_rest_of_v3(void)
{
    unsigned a, b, basic, more, d;
    return __get_cpuid(LEAF_BASIC, &a, &b, &basic, &d)
        && (basic >> BIT_MOVBE & 1u) != 0 && (basic >> BIT_F16C & 1u) != 0
        && __get_cpuid(LEAF_MORE, &a, &b, &more, &d)
        && (more >> BIT_LZCNT & 1u) != 0;
}

/* The builtin takes literals only. Each line names what the psABI level adds
 * and compilers use; the operating system's part (saved registers) is in the
 * answer. */
bool qvl_isa_is_present(qvl_isa isa)
{
    __builtin_cpu_init();
    switch (isa) {
    case QVL_ISA_V2:
        return __builtin_cpu_supports("sse4.2")
            && __builtin_cpu_supports("popcnt");
    case QVL_ISA_V3:
        return qvl_isa_is_present(QVL_ISA_V2)
            && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
            && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
            && has_rest_of_v3();
    case QVL_ISA_V4:
#ifdef QVL_EMULATE_AVX512
        return qvl_isa_is_present(QVL_ISA_V3);
#endif
        return qvl_isa_is_present(QVL_ISA_V3)
            && __builtin_cpu_supports("avx512f")
            && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512cd")
            && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vl");
    default:
        return false;
    }
}

static int plan_named(qvl_isa *isa, const char *name, qvl_err *err)
{
    for (int i = 0; i < QVL_N_ISA; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        if (!qvl_isa_is_present((qvl_isa)i))
            return qvl_fail(err, QVL_E_DEVICE,
                            "QVL_ISA: found %s, which this processor does not "
                            "have, expected one that it has", name);
        *isa = (qvl_isa)i;
        return QVL_OK;
    }
    return qvl_fail(err, QVL_E_DEVICE,
                    "QVL_ISA: found \"%.20s\", expected v2, v3 or v4", name);
}

int qvl_isa_plan(qvl_isa *isa, qvl_err *err)
{
    const char *wanted = getenv("QVL_ISA");
    if (wanted != NULL && *wanted != '\0')
        return plan_named(isa, wanted, err);
    for (int i = QVL_N_ISA - 1; i >= 0; i--) {
        if (!qvl_isa_is_present((qvl_isa)i))
            continue;
        *isa = (qvl_isa)i;
        return QVL_OK;
    }
    return qvl_fail(err, QVL_E_DEVICE,
                    "processor: found none of x86-64-v2, v3 and v4");
}
