// `vars:` and `${...}`: arithmetic on numbers with units while the file is still text. Exact:
// values are fractions of 128-bit integers, and a result without a finite decimal form is an error.
#pragma once

#include "scenarios/schema/document.h"

namespace orrery::scenario {

// Resolves `vars` at the top of `root` (they may refer to one another, not in a circle), replaces
// every `${expression}` in the tree, and leaves `vars` resolved in place. An expression is numbers
// with units, names, + - * / and parentheses; `${name}` alone may also insert text. A scalar that
// held `${` counts as plain afterwards, so `count: "${n}"` is a number.
void substitute_variables(Node& root, Diagnostics& diagnostics);

}  // namespace orrery::scenario
