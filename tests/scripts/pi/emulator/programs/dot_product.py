"""Execute the instruction ``sdot v0.4s, v1.16b, v2.16b``, which only the Pi 5 has."""

import ctypes
import mmap

if __name__ == "__main__":
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex("2094824e c0035fd6"))  # sdot; ret
    ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
