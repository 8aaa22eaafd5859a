/* serve.c - the server of tests/data/loopback.h for tests of the command line
 *
 *     serve FILE    prints its URL, then answers until it is killed
 */
#include <stdio.h>

#include "../data/loopback.h"

int main(int argc, char **argv)
{
    static char file[1 << 20];
    loopback server;
    FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (f == NULL) {
        fprintf(stderr, "serve: found no file, expected one\n");
        return 1;
    }
    size_t n = fread(file, 1, sizeof file, f);
    fclose(f);
    if (loopback_open(&server, file, n) != 0) {
        perror("serve");
        return 1;
    }
    char url[LOOPBACK_URL_MAX];
    loopback_url(&server, "", url);
    puts(url);
    fflush(stdout);
    loopback_run(&server);
    return 0;
}
