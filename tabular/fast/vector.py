"""Memory as the kernel sees it, which Python has no words for: arrays at an address, loads and searches of many bytes.

The generic vector operations become AVX2, SSE2 or NEON, whatever the processor has. They read past the place that is
found, never more than `PADDING` bytes past the end.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from tabular.fast.layout import LANES, WINDOW

BYTE, WORD = ir.IntType(8), ir.IntType(64)
LINE_FEED, CARRIAGE_RETURN = 10, 13


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any, wanted: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), wanted.as_pointer())


def _first(builder: Any, hits: Any) -> Any:
    """The index of the first hit, `LANES` without any."""
    bits = builder.bitcast(hits, ir.IntType(LANES))
    return builder.zext(builder.cttz(bits, ir.Constant(ir.IntType(1), 0)), WORD)


def _everywhere(builder: Any, byte: Any, lanes: int = LANES) -> Any:
    vector = ir.VectorType(BYTE, lanes)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), byte, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        one, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    )


def _constant(byte: int, lanes: int = LANES) -> Any:
    return ir.Constant(ir.VectorType(BYTE, lanes), [byte] * lanes)


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
def item(typing: Any, array: Any, index: Any) -> Any:
    """`array[index]` for an index that is never negative: without the question whether it counts from the end."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.load(builder.gep(data, [arguments[1]]))

    return array.dtype(array, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def power_of_ten(typing: Any, exponent: Any) -> Any:
    """10 to the power of 0 to 18."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.ArrayType(WORD, 19)
        table = cgutils.global_constant(builder, "powers", ir.Constant(kind, [10**power for power in range(19)]))
        return builder.load(builder.gep(table, [ir.Constant(WORD, 0), arguments[0]]))

    return types.int64(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def is_shaped(typing: Any, array: Any, index: Any, shapes: Any, shape: Any) -> Any:
    """Whether each of the `LANES` bytes at `index` is at least the shape's and at most its second half above."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        text = _load(context, builder, signature.args[0], arguments[0], arguments[1])
        least = _load(context, builder, signature.args[2], arguments[2], arguments[3])
        half = builder.add(arguments[3], ir.Constant(WORD, LANES))
        span = _load(context, builder, signature.args[2], arguments[2], half)
        fits = builder.icmp_unsigned("<=", builder.sub(text, least), span)
        bits = builder.bitcast(fits, ir.IntType(LANES))
        return builder.icmp_signed("==", bits, ir.Constant(ir.IntType(LANES), -1))

    return types.boolean(array, types.int64, shapes, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def stops_in(typing: Any, array: Any, index: Any, delimiter: Any) -> Any:
    """Which of the `WINDOW` bytes at `index` are delimiters and line ends, bit by bit."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.VectorType(BYTE, WINDOW)
        text = builder.load(_address(context, builder, signature.args[0], arguments[0], arguments[1], kind), align=1)
        hits = builder.icmp_unsigned("==", text, _everywhere(builder, arguments[2], WINDOW))
        for byte in (LINE_FEED, CARRIAGE_RETURN):
            hits = builder.or_(hits, builder.icmp_unsigned("==", text, _constant(byte, WINDOW)))
        return builder.bitcast(hits, WORD)

    return types.uint64(array, types.int64, types.uint8), generate


@intrinsic  # type: ignore[untyped-decorator]
def lowest_bit(typing: Any, word: Any) -> Any:
    """The place of the lowest bit of a word that has one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def byte_in(typing: Any, array: Any, index: Any, byte: Any) -> Any:
    """How far after `index` the first such byte is; `LANES` when it is further."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        text = _load(context, builder, signature.args[0], arguments[0], arguments[1])
        return _first(builder, builder.icmp_unsigned("==", text, _everywhere(builder, arguments[2])))

    return types.int64(array, types.int64, types.uint8), generate


@intrinsic  # type: ignore[untyped-decorator]
def within(typing: Any, array: Any, index: Any, least: Any, most: Any) -> Any:
    """Which of the `WINDOW` bytes at `index` are within both bounds, bit by bit."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.VectorType(BYTE, WINDOW)
        text = builder.load(_address(context, builder, signature.args[0], arguments[0], arguments[1], kind), align=1)
        low, high = (_everywhere(builder, builder.trunc(bound, BYTE), WINDOW) for bound in arguments[2:])
        hits = builder.icmp_unsigned("<=", builder.sub(text, low), builder.sub(high, low))
        return builder.bitcast(hits, WORD)

    return types.uint64(array, types.int64, types.int64, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def digits_in(typing: Any, array: Any, index: Any) -> Any:
    """Which of the `LANES` bytes at `index` are digits, bit by bit."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        text = _load(context, builder, signature.args[0], arguments[0], arguments[1])
        hits = builder.icmp_unsigned("<=", builder.sub(text, _constant(ord("0"))), _constant(9))
        return builder.zext(builder.bitcast(hits, ir.IntType(LANES)), WORD)

    return types.uint64(array, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def put_word(typing: Any, array: Any, index: Any, word: Any) -> Any:
    """Makes the eight bytes at `index` those of the number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature.args[0], arguments[0], arguments[1], WORD)
        builder.store(arguments[2], address, align=1)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.uint64), generate


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
