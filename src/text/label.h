/* label.h - the label of a token that is not learned
 *
 * A label is the id that a token should have been predicted as. The value for
 * "none" is that of the field's loss functions (ignore_index), so that labels
 * made elsewhere mean the same here.
 */
#ifndef QVL_TEXT_LABEL_H
#define QVL_TEXT_LABEL_H

#define QVL_IGNORE_INDEX (-100)

#endif
