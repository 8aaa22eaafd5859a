/* fuzz.c - a folder, files in it, and how a target stops */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_FILES 8
#define PATH_BYTES 512

/* Files that the process has named. */
static char paths[MOST_FILES][PATH_BYTES];
static int n_paths;

void fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
    abort();
}

int fuzz_is_ok(int rc, const qvl_err *err)
{
    if (rc == QVL_OK)
        return 1;
    FUZZ_CHECK(rc < 0 && err->code == rc && err->msg[0] != '\0');
    FUZZ_CHECK(rc != QVL_E_INTERNAL && rc != QVL_E_MEMORY);
    FUZZ_CHECK(memchr(err->msg, '\0', sizeof err->msg) != NULL);
    FUZZ_CHECK(memchr(err->hint, '\0', sizeof err->hint) != NULL);
    return 0;
}

static void remove_all(void)
{
    for (int i = 0; i < n_paths; i++)
        remove(paths[i]);
    remove(fuzz_folder());
}

const char *fuzz_folder(void)
{
    static char folder[PATH_BYTES / 2];
    if (folder[0] != '\0')
        return folder;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/qvl-fuzz-XXXXXX", tmp ? tmp : "/tmp");
    FUZZ_CHECK(mkdtemp(folder) != NULL);
    atexit(remove_all);
    return folder;
}

const char *fuzz_path(const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    for (int i = 0; i < n_paths; i++)
        if (strcmp(paths[i], path) == 0)
            return paths[i];
    FUZZ_CHECK(n_paths < MOST_FILES);
    memcpy(paths[n_paths], path, sizeof path);
    return paths[n_paths++];
}

const char *fuzz_write(const char *name, const void *p, size_t len)
{
    const char *path = fuzz_path(name);
    FILE *file = fopen(path, "wb");
    FUZZ_CHECK(file != NULL);
    FUZZ_CHECK(len == 0 || fwrite(p, 1, len, file) == len);
    FUZZ_CHECK(fclose(file) == 0);
    return path;
}

const uint8_t *fuzz_find(const uint8_t *p, size_t len, const char *mark)
{
    return memmem(p, len, mark, strlen(mark));
}
