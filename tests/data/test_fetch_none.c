/* test_fetch_none.c - a build without libcurl says so */
#include "check.h"
#include "data/fetch.h"

static void test_none(void)
{
    uint8_t *bytes;
    size_t n;
    qvl_err err = { 0 };
    qvl_fetch_limits limits = qvl_fetch_defaults();
    print_message("SKIP downloads: this build has no libcurl\n");
    CHECK_FAILS(qvl_fetch(&bytes, &n, "http://a/x", &limits, &err),
                QVL_E_UNSUPPORTED, err, "QVL_CURL");
}

RUN_TESTS(TEST(test_none))
