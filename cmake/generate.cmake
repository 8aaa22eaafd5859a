# qvl_generate(NAME ARCHS spec.yaml... [KERNELS name...] [OPTIMIZE flag] [F32]
#              [HERE])
#
# Runs the generator over layer specs and makes an object library NAME of what
# it writes: model code, kernels in C for each instruction set, OpenCL C and
# SPIR-V inside the table. Kernels named here are compiled beside those that the
# specs reach. OPTIMIZE replaces -O3, where compiling costs more than running.
# With F32 there are no forms of 16 bits, with HERE kernels in C for the processor
# that builds alone: v3, with AVX-512 v4 as well, v2 where that is all it has.

set(QVL_ISAS v2 v3 v4)
if(QVL_MUTATE)  # tests/mutate/run.sh: one is enough, and quicker
    set(QVL_ISAS v3)
    target_compile_definitions(qvl_flags INTERFACE QVL_WITHOUT_v2
                               QVL_WITHOUT_v4)
endif()
set(QVL_ISA_FLAGS_v2 -march=x86-64-v2)
set(QVL_ISA_FLAGS_v3 -march=x86-64-v3)
set(QVL_ISA_FLAGS_v4 -march=x86-64-v4)
if(QVL_EMULATE_AVX512)  # the same kernels, in instructions that are there
    set(QVL_ISA_FLAGS_v4 -march=x86-64-v3 -Wno-psabi
        -include ${PROJECT_SOURCE_DIR}/tests/kern/avx512.h)
endif()
# Kernels that the library calls by name, whatever the specs use.
set(QVL_KERNELS zero tally square_sum clip adamw adamw_master)
set(QVL_KERNEL_FLAGS -O3 -fno-math-errno -fno-trapping-math -fno-signed-zeros
    -fassociative-math -ffp-contract=fast -fno-strict-aliasing
    -Wno-unused-variable -Wno-unused-function -Wno-unused-parameter
    -Wno-unused-but-set-variable -Wno-shadow -Wno-type-limits)
if(QVL_SANITIZE)  # -O3 of what checks itself takes minutes a file
    list(APPEND QVL_KERNEL_FLAGS -O1)
endif()
if(QVL_MUTATE)  # a value that was never set is not 0 by chance
    list(APPEND QVL_KERNEL_FLAGS -ftrivial-auto-var-init=pattern
         -DQVL_CHECK_BOUNDS)
endif()

function(isas_here out)
    set(isas v2)
    if(EXISTS /proc/cpuinfo)
        file(STRINGS /proc/cpuinfo flags REGEX "^flags" LIMIT_COUNT 1)
        if(flags MATCHES " avx2 ")
            set(isas v3)
        endif()
        if(flags MATCHES " avx512vl ")
            list(APPEND isas v4)
        endif()
    endif()
    set(${out} ${isas} PARENT_SCOPE)
endfunction()

function(qvl_generate name)
    cmake_parse_arguments(G "F32;HERE" "TABLE;OPTIMIZE" "ARCHS;KERNELS" ${ARGN})
    set(dir ${CMAKE_BINARY_DIR}/generated/${name})
    set(shaders ${PROJECT_SOURCE_DIR}/shaders)
    file(MAKE_DIRECTORY ${dir})
    file(GLOB kernel_files CONFIGURE_DEPENDS ${shaders}/*.k)
    file(GLOB dialects CONFIGURE_DEPENDS ${shaders}/dialect/*)
    file(GLOB tunes CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/configs/tune/*.yaml)
    if(NOT QVL_MUTATE)  # which changes bodies alone
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                     ${kernel_files})
    endif()

    set(kernel_c)
    foreach(file ${kernel_files})
        file(STRINGS ${file} heads REGEX "^kernel [a-z0-9_]+")
        foreach(head ${heads})
            string(REGEX REPLACE "^kernel ([a-z0-9_]+).*" "\\1" k "${head}")
            list(APPEND kernel_c ${dir}/k_${k}.c)
        endforeach()
    endforeach()
    set(models)
    set(arguments)
    foreach(arch ${G_ARCHS})
        get_filename_component(base ${arch} NAME_WE)
        list(APPEND models ${dir}/model_${base}.c)
        list(APPEND arguments --arch ${arch})
    endforeach()
    foreach(kernel ${G_KERNELS})
        list(APPEND arguments --kernel ${kernel})
    endforeach()
    if(G_TABLE)
        list(APPEND arguments --table ${G_TABLE})
    endif()
    if(G_F32)
        list(APPEND arguments --half no)
    endif()
    if(NOT QVL_VULKAN)
        list(APPEND arguments --spirv no)
    endif()
    if(NOT QVL_OPENCL)
        list(APPEND arguments --opencl no)
    endif()

    add_custom_command(
        OUTPUT ${dir}/stamp
        BYPRODUCTS ${models} ${kernel_c} ${dir}/kernels.c ${dir}/families.c
                   ${dir}/families.h ${dir}/signatures.h ${dir}/calls.h
                   ${dir}/archs.c
        COMMAND gen --shaders ${shaders} --out ${dir}
                --tune ${PROJECT_SOURCE_DIR}/configs/tune ${arguments}
        COMMAND ${CMAKE_COMMAND} -E touch ${dir}/stamp
        DEPENDS gen ${kernel_files} ${dialects} ${tunes} ${G_ARCHS}
        COMMENT "Generating ${name}"
        VERBATIM)
    set(table_needs ${dir}/stamp)
    if(QVL_VULKAN)
        add_custom_command(
            OUTPUT ${dir}/spirv.stamp
            BYPRODUCTS ${dir}/spirv.inc
            COMMAND ${PROJECT_SOURCE_DIR}/cmake/spirv.sh ${QVL_GLSLANG}
                    ${QVL_SPIRV_OPT} ${shaders} ${dir}
            COMMAND gen --embed ${dir}
            COMMAND ${CMAKE_COMMAND} -E touch ${dir}/spirv.stamp
            DEPENDS ${dir}/stamp gen ${PROJECT_SOURCE_DIR}/cmake/spirv.sh
            COMMENT "Compiling shaders of ${name}"
            VERBATIM)
        set_source_files_properties(${dir}/kernels.c PROPERTIES
                                    OBJECT_DEPENDS ${dir}/spirv.stamp)
        list(APPEND table_needs ${dir}/spirv.stamp)
    endif()
    add_custom_target(${name}_stamp DEPENDS ${dir}/stamp)
    add_custom_target(${name}_files DEPENDS ${table_needs})
    add_dependencies(${name}_files ${name}_stamp)

    add_library(${name} OBJECT ${models} ${dir}/kernels.c ${dir}/families.c
                ${dir}/archs.c)
    target_link_libraries(${name} PRIVATE qvl_flags)
    add_dependencies(${name} ${name}_files)
    set(objects $<TARGET_OBJECTS:${name}>)
    set(isas ${QVL_ISAS})
    if(G_HERE AND NOT QVL_EMULATE_AVX512 AND NOT QVL_MUTATE)
        isas_here(isas)
    endif()
    foreach(isa ${QVL_ISAS})
        if(NOT isa IN_LIST isas)
            target_compile_definitions(${name} PRIVATE QVL_WITHOUT_${isa})
        endif()
    endforeach()
    foreach(isa ${isas})
        add_library(${name}_${isa} OBJECT ${kernel_c})
        target_include_directories(${name}_${isa} PRIVATE ${shaders})
        target_link_libraries(${name}_${isa} PRIVATE qvl_flags)
        target_compile_options(${name}_${isa} PRIVATE ${QVL_KERNEL_FLAGS}
                               ${G_OPTIMIZE} ${QVL_ISA_FLAGS_${isa}})
        target_compile_definitions(${name}_${isa} PRIVATE QVL_ISA_NAME=${isa})
        add_dependencies(${name}_${isa} ${name}_files)
        list(APPEND objects $<TARGET_OBJECTS:${name}_${isa}>)
    endforeach()
    set(${name}_objects ${objects} PARENT_SCOPE)
endfunction()
