"""How much memory LiteRT reserves for the maps of a network."""

from __future__ import annotations

from ai_edge_litert.interpreter import Interpreter, OpResolverType

from fbnetv2_tf.errors import ExportError


def litert_arena_bytes(content: bytes) -> int:
    """The span of the addresses at which LiteRT, without a delegate, puts a network's tensors.

    With a delegate the maps inside its pieces are the delegate's own, and nothing tells their size.

    Args:
        content: the bytes of a .tflite file.

    Raises:
        ExportError: where the interpreter refuses the file.
    """
    try:
        interpreter = Interpreter(
            model_content=content,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ExportError(f"The file is refused by the LiteRT interpreter: {reason}") from error
    written = {detail["index"] for detail in interpreter.get_input_details()}
    for operator in interpreter._get_ops_details():
        written.update(operator["outputs"])
    views = [interpreter.tensor(index)() for index in written]
    first = min(view.ctypes.data for view in views)
    return int(max(view.ctypes.data + view.nbytes for view in views) - first)
