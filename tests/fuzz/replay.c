/* replay.c - a target with the inputs of a folder, without a fuzzer
 *
 *     replay_NAME FOLDER|FILE...
 *
 * Fails when an input stops the process, takes longer than MOST_SECONDS or asks for
 * more than REPLAY_BYTES of memory (a definition of the build; 0: no limit, under
 * sanitizers), when a folder has no inputs or one cannot be read. The name of the input
 * is said first, so that the last line tells which one it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/folder.h"
#include "fuzz.h"

/* For one input, on a machine that does other things as well. */
#define MOST_SECONDS 60

/* Memory of exactly the bytes of the file, so that sanitizers see their end. */
static int replay_file(const char *path, qvl_err *err)
{
    qvl_arena arena = { 0 };
    char *text = NULL;
    size_t len = 0;
    int rc = qvl_file_read(path, &text, &len, &arena, err);
    uint8_t *p = malloc(len > 0 ? len : 1);
    if (rc == QVL_OK && p != NULL) {
        memcpy(p, text, len);
        printf("%s, %zu bytes\n", path, len);
        fflush(stdout);
        alarm(MOST_SECONDS);
        LLVMFuzzerTestOneInput(p, len);
        alarm(0);
    }
    free(p);
    qvl_arena_release(&arena);
    return rc;
}

static int replay_folder(const char *folder, qvl_err *err)
{
    qvl_arena arena = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc = qvl_folder_names(folder, &name, &n, &arena, err);
    if (rc == QVL_OK && n == 0)
        rc = qvl_fail(err, QVL_E_DATA, "%s: found no inputs, expected some",
                      folder);
    for (size_t i = 0; i < n && rc == QVL_OK; i++)
        rc = replay_file(qvl_arena_printf(&arena, "%s/%s", folder, name[i]),
                         err);
    qvl_arena_release(&arena);
    return rc;
}

int main(int n_args, char **arg)
{
    const rlim_t most = REPLAY_BYTES;
    qvl_err err = { 0 };
    if (most > 0)
        FUZZ_CHECK(setrlimit(RLIMIT_DATA, &(struct rlimit){ most, most }) == 0);
    int rc = n_args > 1 ? QVL_OK
                        : qvl_fail(&err, QVL_E_USAGE, "expected inputs");
    for (int i = 1; i < n_args && rc == QVL_OK; i++)
        rc = qvl_file_is_dir(arg[i]) ? replay_folder(arg[i], &err)
                                     : replay_file(arg[i], &err);
    if (rc != QVL_OK)
        fprintf(stderr, "%s: %s\n", arg[0], err.msg);
    return qvl_err_exit_code(rc);
}
