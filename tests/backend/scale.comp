#version 450
// y[i] = s y[i] + c + i mod PERIOD, SPAN neighbours a lane
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint SPAN = 1u;
layout(constant_id = 2) const uint PERIOD = 1u;
layout(set = 0, binding = 0) buffer Y { float y[]; };
layout(push_constant) uniform Args {
    uint n; uint period; float s; float c; uint n_groups;
};

void main()
{
    uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
    uint lane = group * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    for (uint j = 0u; j < SPAN; j++) {
        uint i = lane * SPAN + j;
        if (group < n_groups && i < n)
            y[i] = s * y[i] + c + float(i % PERIOD);
    }
}
