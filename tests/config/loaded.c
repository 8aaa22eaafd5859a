/* loaded.c - texts to configurations, messages kept */
#include "loaded.h"

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "check.h"

static void keep(void *ctx, int level, const char *text)
{
    loaded *l = ctx;
    size_t n = strlen(l->log);
    snprintf(l->log + n, sizeof l->log - n, "%d %s\n", level, text);
}

void put_beside(const char *name, const char *text)
{
    qvl_err err;
    CHECK_OK(qvl_file_write_all(check_path(name), text, strlen(text), &err), err);
}

void load_flags(loaded *l, const char *text, const qvl_config_flag *flag,
                int n_flags)
{
    memset(l, 0, sizeof *l);
    put_beside("run.yaml", text);
    qvl_log_set_sink(keep, l, QVL_LOG_DEBUG);
    l->rc = qvl_run_config_load(&l->c, check_path("run.yaml"), NULL, flag,
                                n_flags, &l->arena, &l->err);
    qvl_log_set_sink(NULL, NULL, 0);
}

void load(loaded *l, const char *text)
{
    load_flags(l, text, NULL, 0);
}

void load_key(loaded *l, const char *key, const char *value)
{
    qvl_str text = { 0 };
    int depth = 0;
    qvl_str_puts(&text, "extends: base.yaml\n");
    for (const char *p = key;; depth++) {
        size_t len = strcspn(p, ".");
        qvl_str_putn(&text, p, len);
        qvl_str_puts(&text, p[len] == '.' ? ": {" : ": ");
        if (p[len] == '\0')
            break;
        p += len + 1;
    }
    qvl_str_puts(&text, value);
    for (; depth > 0; depth--)
        qvl_str_putc(&text, '}');
    qvl_str_putc(&text, '\n');
    load(l, text.p);
    qvl_str_release(&text);
}

const char *said(loaded *l)
{
    if (l->rc != QVL_OK)
        keep(l, 0, l->err.msg);
    return l->log;
}

void release(loaded *l)
{
    qvl_arena_release(&l->arena);
}
