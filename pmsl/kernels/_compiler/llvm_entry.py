"""The entry of a kernel, in LLVM's language.

It takes two pointers: to one 8-byte slot an argument (an array's is the address of its Python object, from which the entry
reads data, shape and strides, as numpy's C interface lays them out), and to room for what is returned.
"""

HEAD = object.__basicsize__  # of every Python object; numpy's fields follow: data, nd, shape, strides
DATA, SHAPE, STRIDES = HEAD, HEAD + 16, HEAD + 24
ROOM = 8  # returned numbers


def shim(symbol: str, target: str, arguments: list[str], kinds: tuple) -> str:
    """Write the entry in LLVM's language: unpack the slots, call the function."""
    lines, passed, n = [], [], 0

    def put(text: str) -> str:
        nonlocal n
        n += 1
        lines.append(f"  %v{n} = {text}")
        return f"%v{n}"

    def field(base: str, offset: int, kind: str) -> str:
        return put(f"load {kind}, ptr {put(f'getelementptr i8, ptr {base}, i64 {offset}')}")

    for i, kind in enumerate(kinds):
        if not isinstance(kind, tuple):
            word = "double" if kind is float else "i64"
            passed.append(f"{word} {field('%slots', 8 * i, word)}")
            continue
        dtype, ndim, _ = kind
        array = field("%slots", 8 * i, "ptr")
        shape, strides = field(array, SHAPE, "ptr"), field(array, STRIDES, "ptr")
        sizes = [field(shape, 8 * d, "i64") for d in range(ndim)]
        items = "1"
        for size in sizes:
            items = put(f"mul i64 {items}, {size}")
        passed += ["ptr null", "ptr null", f"i64 {items}", f"i64 {dtype.itemsize}", f"ptr {field(array, DATA, 'ptr')}"]
        passed += [f"i64 {size}" for size in sizes] + [f"i64 {field(strides, 8 * d, 'i64')}" for d in range(ndim)]
    if len(passed) + 2 != len(arguments):
        raise RuntimeError(f"{target}: numba passes {len(arguments)} values, not {len(passed) + 2}")
    call = f'call i32 @"{target}"(ptr %out, ptr %error, {", ".join(passed)})'
    body = "\n".join(["  %error = alloca ptr", *lines, f"  %status = {call}", "  ret i32 %status"])
    return f'\ndefine i32 @"{symbol}"(ptr %slots, ptr %out) {{\n{body}\n}}\n' + _loop(symbol, 8 * len(kinds))


def _loop(symbol: str, stride: int) -> str:
    """Write the entry that makes one call after another, until one fails."""
    return f"""
define i32 @"{symbol}_many"(ptr %slots, ptr %out, i64 %n) {{
begin:
  br label %next
next:
  %i = phi i64 [ 0, %begin ], [ %following, %next ]
  %mine = mul i64 %i, {stride}
  %own = mul i64 %i, {8 * ROOM}
  %these = getelementptr i8, ptr %slots, i64 %mine
  %there = getelementptr i8, ptr %out, i64 %own
  %status = call i32 @"{symbol}"(ptr %these, ptr %there)
  %following = add i64 %i, 1
  %good = icmp eq i32 %status, 0
  %more = icmp slt i64 %following, %n
  %on = and i1 %good, %more
  br i1 %on, label %next, label %end
end:
  ret i32 %status
}}
"""
