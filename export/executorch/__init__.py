"""Everything that makes ExecuTorch files: exported programs, int8 by our plan, what XNNPACK takes."""
