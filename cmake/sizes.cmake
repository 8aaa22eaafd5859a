# The model sizes of configs/model as C strings: sizes.c in the build folder.

file(GLOB size_files CONFIGURE_DEPENDS configs/model/*.yaml)
set(names "")
set(texts "")
list(LENGTH size_files n_sizes)
foreach(file ${size_files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
    string(APPEND names "    \"${name}\",\n")
    string(APPEND texts "    \"${text}\",\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/sizes.c CONTENT
"/* Generated from configs/model. */
extern const char *const qvl_size_names[];
extern const char *const qvl_size_texts[];
extern const int qvl_n_sizes;
const char *const qvl_size_names[] = {
${names}};
const char *const qvl_size_texts[] = {
${texts}};
const int qvl_n_sizes = ${n_sizes};
" @ONLY)
