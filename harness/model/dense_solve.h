// Symmetric positive definite systems in doubles: each number is one sum in a fixed order, so the
// bits are the same everywhere.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace orrery::model {

// Cholesky's factor U, a = U^T U, in the upper half of the n x n matrix `a`, row after row; what
// lies below the diagonal is not read and stays. ENSUREs that the matrix is positive definite.
void factorise(std::vector<double>& a, std::size_t n);

// x := (U^T U)^-1 x, where U has x.size() rows.
void solve(const std::vector<double>& u, std::span<double> x);

}  // namespace orrery::model
