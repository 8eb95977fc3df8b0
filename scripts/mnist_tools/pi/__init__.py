"""Test the runtime on emulated Raspberry Pis."""
