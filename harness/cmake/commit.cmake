# Writes the commit into a header; run at each build, rewrites only on change.
execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE commit
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
execute_process(COMMAND git -C ${SOURCE} status --porcelain --untracked-files=no
  OUTPUT_VARIABLE changes ERROR_QUIET)
if(NOT commit)
  set(commit "unknown")
elseif(changes)
  string(APPEND commit "+changes")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#define ORRERY_COMMIT \"${commit}\"\n")
