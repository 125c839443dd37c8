"""Prints the entries of a pinned BPF map, as profilers see them, a line each in hexadecimal: pinned_map.py PATH

Keys are of 8 bytes, values of 24 (bpf(2), include/uapi/linux/bpf.h).
"""
import ctypes
import platform
import sys

LOOKUP, NEXT_KEY, OBJECT_GET = 1, 4, 7
NUMBER = {"x86_64": 321, "aarch64": 280}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)


class Element(ctypes.Structure):
    _fields_ = [("map", ctypes.c_uint32), ("key", ctypes.c_uint64), ("value", ctypes.c_uint64), ("flags", ctypes.c_uint64)]


class Path(ctypes.Structure):
    _fields_ = [("path", ctypes.c_uint64), ("fd", ctypes.c_uint32), ("flags", ctypes.c_uint32)]


def bpf(command, attributes):
    return libc.syscall(NUMBER, command, ctypes.byref(attributes), ctypes.sizeof(attributes))


path = ctypes.create_string_buffer(sys.argv[1].encode())
fd = bpf(OBJECT_GET, Path(ctypes.addressof(path), 0, 0))
if fd < 0:
    sys.exit(f"{sys.argv[1]}: errno {ctypes.get_errno()}")
key, after, value = (ctypes.create_string_buffer(size) for size in (8, 8, 24))
here = 0
while bpf(NEXT_KEY, Element(fd, here, ctypes.addressof(after), 0)) == 0:
    if bpf(LOOKUP, Element(fd, ctypes.addressof(after), ctypes.addressof(value), 0)) == 0:
        word = int.from_bytes(after.raw, sys.byteorder)
        print(word >> 32, word & 0xFFFFFFFF, value.raw[:16].hex(), value.raw[16:].hex())
    key.raw = after.raw
    here = ctypes.addressof(key)
