"""Memory as the kernel sees it, which Python has no words for: arrays at an address, loads and searches of many bytes.

The generic vector operations become AVX2, SSE2 or NEON, whatever the processor has. They read past the place that is
found, never more than `PADDING` bytes past the end.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

LANES = 32
BYTE, WORD = ir.IntType(8), ir.IntType(64)
LINE_FEED, CARRIAGE_RETURN = 10, 13


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any, wanted: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), wanted.as_pointer())


def _first(builder: Any, hits: Any) -> Any:
    """The index of the first hit, `LANES` without any."""
    bits = builder.bitcast(hits, ir.IntType(LANES))
    return builder.zext(builder.cttz(bits, ir.Constant(ir.IntType(1), 0)), WORD)


def _everywhere(builder: Any, byte: Any) -> Any:
    vector = ir.VectorType(BYTE, LANES)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), byte, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        one, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )


def _constant(byte: int) -> Any:
    return ir.Constant(ir.VectorType(BYTE, LANES), [byte] * LANES)


def _load(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    address = _address(context, builder, kind, array, index, ir.VectorType(BYTE, LANES))
    return builder.load(address, align=1)


@intrinsic  # type: ignore[untyped-decorator]
def word_at(typing: Any, array: Any, index: Any) -> Any:
    """The eight bytes at `index` as a number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], arguments[0], arguments[1], WORD)
        return builder.load(address, align=1)

    return types.uint64(array, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def high_product(typing: Any, one: Any, other: Any) -> Any:
    """The upper 64 bits of the product."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), WORD)

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def stop_in(typing: Any, array: Any, index: Any, delimiter: Any) -> Any:
    """How far after `index` the first delimiter or line end is; `LANES` when it is further."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        text = _load(context, builder, signature.args[0], arguments[0], arguments[1])
        hits = builder.icmp_unsigned("==", text, _everywhere(builder, arguments[2]))
        for byte in (LINE_FEED, CARRIAGE_RETURN):
            hits = builder.or_(hits, builder.icmp_unsigned("==", text, _constant(byte)))
        return _first(builder, hits)

    return types.int64(array, types.int64, types.uint8), generate


@intrinsic  # type: ignore[untyped-decorator]
def byte_in(typing: Any, array: Any, index: Any, byte: Any) -> Any:
    """How far after `index` the first such byte is; `LANES` when it is further."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        text = _load(context, builder, signature.args[0], arguments[0], arguments[1])
        return _first(builder, builder.icmp_unsigned("==", text, _everywhere(builder, arguments[2])))

    return types.int64(array, types.int64, types.uint8), generate


@intrinsic  # type: ignore[untyped-decorator]
def beyond_ascii_in(typing: Any, array: Any, index: Any) -> Any:
    """How far after `index` the first byte beyond ASCII is; `LANES` when it is further."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        text = _load(context, builder, signature.args[0], arguments[0], arguments[1])
        return _first(builder, builder.icmp_signed("<", text, _constant(0)))

    return types.int64(array, types.int64), generate


def _view(kind: Any, dimensions: int) -> Any:
    """(address, rows, columns) as an array that owns nothing."""
    made = types.Array(kind, dimensions, "C")

    @intrinsic  # type: ignore[untyped-decorator]
    def view(typing: Any, address: Any, rows: Any, columns: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(made)(context, builder)
            item = context.get_constant(types.intp, kind.bitwidth // 8)
            strides = [builder.mul(item, arguments[2]), item] if dimensions == 2 else [item]
            data = builder.inttoptr(arguments[0], array.data.type)
            shape = arguments[1 : 1 + dimensions]
            populate_array(array, data=data, shape=shape, strides=strides, itemsize=item, meminfo=None)
            return array._getvalue()

        return made(types.int64, types.int64, types.int64), generate

    return view


bytes_at, numbers_at, table_at = _view(types.uint8, 1), _view(types.int64, 1), _view(types.int64, 2)
steps_at, words_at = _view(types.int16, 1), _view(types.uint64, 1)
