/* test_dtype.c - names and sizes of element types */
#include "tensor/dtype.h"

#include "check.h"

static void test_table(void)
{
    static const struct {
        int dtype;
        size_t bytes;
        const char *st_name, *name, *torch_name;
    } cases[] = {
        { QVL_F32, 4, "F32", "f32", "float32" },
        { QVL_BF16, 2, "BF16", "bf16", "bfloat16" },
        { QVL_F16, 2, "F16", "f16", "float16" },
        { QVL_I32, 4, "I32", "i32", "int32" },
        { QVL_I64, 8, "I64", "i64", "int64" },
        { QVL_U8, 1, "U8", "u8", "uint8" },
        { QVL_I8, 1, "I8", "i8", "int8" },
        { QVL_F64, 8, "F64", "f64", "float64" },
        { QVL_BOOL, 1, "BOOL", "bool", "bool" },
        { QVL_U32, 4, "U32", "u32", "uint32" },
        { QVL_I16, 2, "I16", "i16", "int16" },
        { QVL_U16, 2, "U16", "u16", "uint16" },
        { QVL_U64, 8, "U64", "u64", "uint64" },
        { QVL_F8_E4M3, 1, "F8_E4M3", "f8_e4m3", "float8_e4m3fn" },
        { QVL_F8_E5M2, 1, "F8_E5M2", "f8_e5m2", "float8_e5m2" },
    };
    CHECK_INT(QVL_COUNT(cases), QVL_N_DTYPES, "every type has a case");
    for (size_t i = 0; i < QVL_COUNT(cases); i++) {
        const char *names[] = { cases[i].st_name, cases[i].name,
                                cases[i].torch_name };
        int d = cases[i].dtype;
        CHECK_INT(qvl_dtype_bytes(d), cases[i].bytes, "%s", cases[i].name);
        CHECK_STR(qvl_dtype_name(d), cases[i].name, "case %zu", i);
        CHECK_STR(qvl_dtype_st_name(d), cases[i].st_name, "case %zu", i);
        for (size_t k = 0; k < QVL_COUNT(names); k++) {
            qvl_err err;
            int found = -1;
            CHECK_OK(qvl_dtype_parse(names[k], &found, &err), err);
            CHECK_INT(found, d, "%s", names[k]);
        }
    }
}

static void test_unknown(void)
{
    static const char *const words[] = { "", "F", "f33", "Float32", "bf16 ",
                                         "torch.float32", "half" };
    for (size_t i = 0; i < QVL_COUNT(words); i++) {
        qvl_err err;
        int found = 99;
        CHECK_FAILS(qvl_dtype_parse(words[i], &found, &err), QVL_E_UNSUPPORTED,
                    err, words[i]);
        CHECK_INT(found, 99, "%s: unchanged", words[i]);
    }
}

RUN_TESTS(TEST(test_table), TEST(test_unknown))
