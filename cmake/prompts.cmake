# The prompts of configs/prompt as C strings: prompts.c in the build folder. The
# last line break of a file is not part of its text.

set(texts "")
foreach(mode dense summary auxiliary)
    foreach(part system user)
        set(file ${PROJECT_SOURCE_DIR}/configs/prompt/${mode}.${part}.txt)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
        file(READ ${file} text)
        string(REGEX REPLACE "\n$" "" text "${text}")
        string(REPLACE "\\" "\\\\" text "${text}")
        string(REPLACE "\"" "\\\"" text "${text}")
        string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
        string(APPEND texts
               "const char qvl_prompt_${mode}_${part}[] =\n    \"${text}\";\n")
    endforeach()
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/prompts.c CONTENT
"/* Generated from configs/prompt. */
extern const char qvl_prompt_dense_system[];
extern const char qvl_prompt_dense_user[];
extern const char qvl_prompt_summary_system[];
extern const char qvl_prompt_summary_user[];
extern const char qvl_prompt_auxiliary_system[];
extern const char qvl_prompt_auxiliary_user[];
${texts}" @ONLY)
