#version 450
// y = x, bf16 to f32; the first m of n elements, 7 for the rest
#extension GL_EXT_shader_16bit_storage : require
layout(local_size_x_id = 0) in;
layout(set = 0, binding = 0) readonly buffer X { uint16_t x[]; };
layout(set = 0, binding = 1) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Args { uint n; uint m; uint n_groups; };

void main()
{
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    uint i = group * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    if (group < n_groups && i < n)
        y[i] = i < m ? uintBitsToFloat(uint(x[i]) << 16) : 7.0;
}
