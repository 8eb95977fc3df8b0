"""Studies behind design decisions: quantizers, agreement of interpreters, photographed digits."""
