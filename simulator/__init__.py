"""A stand-in for nctool: it asks for flags, moves tokens and reports metrics, over the wire only."""
