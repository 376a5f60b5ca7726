# SPDX-License-Identifier: Apache-2.0
# Compiles the files of each room (folder) that is named as one: a third of the time of a whole build, for headers are read and
# their templates instantiated once. Names in the anonymous namespaces of a room's files must differ then.
function(loewner_compile_rooms_together target folder)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(room IN LISTS ARGN)
    file(GLOB sources CONFIGURE_DEPENDS "${folder}/${room}/*.cpp")
    set_source_files_properties(${sources} TARGET_DIRECTORY ${target} PROPERTIES UNITY_GROUP ${room})
  endforeach()
endfunction()

# Compiles the headers that most rooms read before the rooms, once.
function(loewner_precompile_common_headers target)
  target_precompile_headers(${target} PRIVATE <nlohmann/json.hpp> <algorithm> <array> <cmath> <cstdint> <filesystem> <functional>
    <limits> <map> <memory> <numeric> <optional> <span> <string> <string_view> <utility> <vector>)
endfunction()
