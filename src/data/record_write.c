/* record_write.c - parts of a line of JSON */
#include "data/record_write.h"

#include <string.h>

#include "base/json.h"

void qvl_record_put_picture(qvl_str *out, const char *name, int w, int h)
{
    qvl_str_puts(out, "{\"images\": [");
    qvl_json_quote(out, name, strlen(name));
    qvl_str_printf(out, "], \"width\": %d, \"height\": %d", w, h);
}

static void put_object(qvl_str *out, const qvl_object *o)
{
    qvl_str_printf(out, "{\"%s\": [", qvl_geom_name(o->kind));
    for (int i = 0; i < 2 * o->n; i++) {
        qvl_str_puts(out, i > 0 ? ", " : "");
        qvl_json_number(out, o->point[i]);
    }
    qvl_str_puts(out, "], \"desc\": ");
    qvl_json_quote(out, o->desc, strlen(o->desc));
    qvl_str_putc(out, '}');
}

void qvl_record_put_objects(qvl_str *out, const qvl_object *object, int n)
{
    qvl_str_puts(out, ", \"objects\": [");
    for (int i = 0; i < n; i++) {
        qvl_str_puts(out, i > 0 ? ", " : "");
        put_object(out, &object[i]);
    }
    qvl_str_putc(out, ']');
}
