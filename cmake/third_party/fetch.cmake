# tidemark_fetch_source(NAME SOURCE_DIR_VARIABLE)
#
# Unpacks the pinned source of NAME (see sources.lock) and stores where it lies. An archive in build/third_party/ of the
# work tree is used first, whichever preset is configured; without one the upstream release is downloaded. Both are
# checked against the pinned SHA256.

include(FetchContent)

set(TIDEMARK_SOURCE_LOCK "${CMAKE_CURRENT_LIST_DIR}/sources.lock")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${TIDEMARK_SOURCE_LOCK}")

function(tidemark_fetch_source name source_dir_variable)
  file(STRINGS "${TIDEMARK_SOURCE_LOCK}" rows REGEX "^${name} ")
  set(location "")
  foreach(row IN LISTS rows)
    string(REGEX REPLACE " +" ";" row "${row}")
    list(GET row 2 row_sha256)
    list(GET row 3 file)
    list(GET row 4 origin)
    set(cached "${PROJECT_SOURCE_DIR}/build/third_party/${file}")
    if(EXISTS "${cached}")
      set(location "${cached}")
      set(sha256 "${row_sha256}")
      break()
    elseif(origin MATCHES "^https://")
      set(location "${origin}")
      set(sha256 "${row_sha256}")
    endif()
  endforeach()
  if(NOT location)
    message(FATAL_ERROR "${TIDEMARK_SOURCE_LOCK} has no usable row for ${name}")
  endif()

  if(location MATCHES "^https://" AND NOT tidemark_${name}_POPULATED)
    message(STATUS "${name}: build/third_party/ has no archive (scripts/setup brings one), downloading ${location}")
  endif()

  # SOURCE_SUBDIR names a folder that does not exist, so that only our own targets are built, not the project's build.
  FetchContent_Declare(tidemark_${name} URL "${location}" URL_HASH "SHA256=${sha256}"
    DOWNLOAD_EXTRACT_TIMESTAMP FALSE SOURCE_SUBDIR not-built-by-its-own-cmake)
  FetchContent_MakeAvailable(tidemark_${name})
  set(${source_dir_variable} "${tidemark_${name}_SOURCE_DIR}" PARENT_SCOPE)
endfunction()
