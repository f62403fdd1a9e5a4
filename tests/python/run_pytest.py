"""pytest on this folder; 77 (skipped) where it or pandas is missing."""

import os
import sys

try:
    import pandas  # noqa: F401
    import pytest
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "--durations=3",
                      os.path.dirname(os.path.abspath(__file__))]))
