# Writes the bytes of FROM as a constant span into TO: NAMESPACE::NAME, declared in HEADER.
file(READ ${FROM} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))" "\\1\n" bytes
  "${bytes}")
file(WRITE ${TO} "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n\n"
  "static constexpr std::uint8_t kData[] = {\n${bytes}};\n"
  "const std::span<const std::uint8_t> ${NAME}(kData);\n\n}  // namespace ${NAMESPACE}\n")
