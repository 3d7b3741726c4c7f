"""Benchmarks: each module measures one thing beside its peers and keeps what it found in `results/`; see README.md."""
