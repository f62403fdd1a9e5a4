// Symmetric positive definite systems in doubles: each number is one sum in a fixed order, so the
// bits are the same everywhere.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace orrery::model {

// Cholesky's factor L of the n x n matrix `a`, in its lower half; what lies above stays. ENSUREs
// that the matrix is positive definite.
void factorise(std::vector<double>& a, std::size_t n);

// x := (L L^T)^-1 x, where L has x.size() rows.
void solve(const std::vector<double>& l, std::span<double> x);

}  // namespace orrery::model
