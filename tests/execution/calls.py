"""Calls as a flow makes them."""

from adatom.execution.arguments import pack_arguments
from adatom.execution.call import Call, header, pack_function


def call_of(function, *args, directory="JOB", kwargs=None, **more):
    """One of a function, ready to travel."""
    packed = pack_function("work", function), pack_arguments("work", function, args, kwargs or {})
    return Call("work", str(directory), header(), *packed, engine="local", **more)
