"""Exported C code on emulated microcontrollers."""
