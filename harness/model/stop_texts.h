// Cuts a text that grows piece by piece before a stop text: the one that is whole first, of several
// that end together the longest. Where the pieces part makes no difference.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace orrery::model {

class StopTexts {
 public:
  // Empty stop texts are left out.
  explicit StopTexts(std::vector<std::string> stops);

  // What is certain to belong to the text now that `piece` has come: all but an end that a stop
  // text may begin with. Nothing after stopped().
  std::string feed(std::string_view piece);
  // What feed() has held back; once, at the end of the text.
  std::string rest();
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace orrery::model
