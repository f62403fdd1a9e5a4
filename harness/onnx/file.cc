#include "harness/onnx/file.h"

#include <fmt/format.h>

#include "harness/onnx/fields.h"

namespace orrery::onnx {
namespace {

Result<Attribute> parse_attribute(ByteView message, std::string& name) {
  constexpr const char* kWhat = "attribute";
  Attribute out;
  TRY(each_field(message, kWhat, [&](const WireField& f) -> Status {
    switch (f.number) {
      case 1: return read_text(f, kWhat, name);
      case 2: {
        TRY(expect(f, WireType::kFixed32, kWhat));
        out.f = from_bits(f.value, 4);
        return {};
      }
      case 3: {
        std::int64_t value = 0;
        TRY(read_number(f, kWhat, value));
        out.i = value;
        return {};
      }
      case 4: {
        std::string value;
        TRY(read_text(f, kWhat, value));
        out.s = std::move(value);
        return {};
      }
      case 5: {
        TRY(expect(f, WireType::kBytes, kWhat));
        ASSIGN_OR_RETURN(Tensor value, parse_tensor(f.bytes));
        out.t = std::move(value);
        return {};
      }
      case 7: return read_floats(f, 4, kWhat, out.floats);
      case 8: return read_numbers(f, kWhat, out.ints);
      case 6:
      case 9:
      case 10:
      case 11:
      case 14:
      case 15:
      case 22:
      case 23:
        return unsupported("attributes other than numbers, texts and tensors are not supported");
      case 21: return unsupported("functions are not supported");
      default: return {};
    }
  }));
  return out;
}

Result<Node> parse_node(ByteView message) {
  constexpr const char* kWhat = "node";
  Node out;
  std::string domain;
  TRY(each_field(message, kWhat, [&](const WireField& f) -> Status {
    std::string text;
    switch (f.number) {
      case 1:
        TRY(read_text(f, kWhat, text));
        out.inputs.push_back(std::move(text));
        return {};
      case 2:
        TRY(read_text(f, kWhat, text));
        out.outputs.push_back(std::move(text));
        return {};
      case 3: return read_text(f, kWhat, out.name);
      case 4: return read_text(f, kWhat, out.op);
      case 5: {
        TRY(expect(f, WireType::kBytes, kWhat));
        ASSIGN_OR_RETURN(Attribute value, parse_attribute(f.bytes, text));
        if (!out.attributes.emplace(text, std::move(value)).second) {
          return malformed(fmt::format("node: attribute {:?} is there twice", text));
        }
        return {};
      }
      case 7: return read_text(f, kWhat, domain);
      default: return {};
    }
  }));
  if (!domain.empty() && domain != "ai.onnx") {
    return unsupported(
        fmt::format("operator {:?} of domain {:?} is not supported", out.op, domain));
  }
  return out;
}

// A dimension's value, or -1.
Result<std::int64_t> parse_dimension(ByteView message) {
  std::int64_t value = -1;
  TRY(each_field(message, "dimension", [&](const WireField& f) -> Status {
    if (f.number == 1) return read_number(f, "dimension", value);
    return {};
  }));
  return value;
}

Status parse_tensor_type(ByteView message, ValueInfo& out) {
  return each_field(message, "type", [&](const WireField& f) -> Status {
    if (f.number == 1) {
      std::int64_t number = 0;
      TRY(read_number(f, "type", number));
      ASSIGN_OR_RETURN(out.type, type_of(number));
    } else if (f.number == 2) {
      TRY(expect(f, WireType::kBytes, "type"));
      return each_field(f.bytes, "shape", [&](const WireField& dim) -> Status {
        if (dim.number != 1) return {};
        TRY(expect(dim, WireType::kBytes, "shape"));
        ASSIGN_OR_RETURN(const std::int64_t value, parse_dimension(dim.bytes));
        out.shape.push_back(value);
        return {};
      });
    }
    return {};
  });
}

Result<ValueInfo> parse_value_info(ByteView message) {
  ValueInfo out;
  TRY(each_field(message, "value", [&](const WireField& f) -> Status {
    if (f.number == 1) return read_text(f, "value", out.name);
    if (f.number != 2) return {};
    TRY(expect(f, WireType::kBytes, "value"));
    return each_field(f.bytes, "type", [&](const WireField& kind) -> Status {
      if (kind.number == 6) return {};  // denotation
      if (kind.number != 1) {
        return unsupported(fmt::format("{:?} is no tensor, which is not supported", out.name));
      }
      TRY(expect(kind, WireType::kBytes, "type"));
      return parse_tensor_type(kind.bytes, out);
    });
  }));
  return out;
}

Status parse_graph(ByteView message, Model& out) {
  constexpr const char* kWhat = "graph";
  return each_field(message, kWhat, [&](const WireField& f) -> Status {
    if (f.number == 15) return unsupported("sparse tensors are not supported");
    if (f.number != 1 && f.number != 5 && f.number != 11 && f.number != 12) return {};
    TRY(expect(f, WireType::kBytes, kWhat));
    if (f.number == 1) {
      ASSIGN_OR_RETURN(Node node, parse_node(f.bytes));
      out.nodes.push_back(std::move(node));
      return {};
    }
    if (f.number == 5) {
      std::string name;
      ASSIGN_OR_RETURN(Tensor value, parse_tensor(f.bytes, &name));
      if (out.initializers.emplace(name, std::move(value)).second) return {};
      return malformed(fmt::format("initializer {:?} is there twice", name));
    }
    ASSIGN_OR_RETURN(ValueInfo value, parse_value_info(f.bytes));
    (f.number == 11 ? out.inputs : out.outputs).push_back(std::move(value));
    return {};
  });
}

Status parse_opset(ByteView message, Model& out) {
  std::string domain;
  std::int64_t version = 0;
  TRY(each_field(message, "opset", [&](const WireField& f) -> Status {
    if (f.number == 1) return read_text(f, "opset", domain);
    if (f.number == 2) return read_number(f, "opset", version);
    return {};
  }));
  if (domain.empty() || domain == "ai.onnx") out.opset = version;
  return {};
}

}  // namespace

Result<Model> parse_model(ByteView file) {
  Model out;
  bool graph = false;
  TRY(each_field(file, "model", [&](const WireField& f) -> Status {
    switch (f.number) {
      case 1: return read_number(f, "model", out.ir_version);
      case 2: return read_text(f, "model", out.producer);
      case 7:
        TRY(expect(f, WireType::kBytes, "model"));
        if (graph) return malformed("model: two graphs");
        graph = true;
        return parse_graph(f.bytes, out);
      case 8: TRY(expect(f, WireType::kBytes, "model")); return parse_opset(f.bytes, out);
      case 25: return unsupported("functions are not supported");
      default: return {};
    }
  }));
  if (!graph) return malformed("model: no graph: is this an ONNX file?");
  if (out.opset == 0) return malformed("model: no version of the default operators");
  return out;
}

}  // namespace orrery::onnx
