"""Frozen dataclasses that cost little to make.

The standard library's own `dataclass` writes the source of each method and compiles it, class by class, and each call
of the agent makes about a hundred of them before it begins. Here all classes share the same few methods, which go by
the class's fields: made in a fifth of the time, and the same otherwise. Whatever of the agent is not to be changed once
it is made is one of these.
"""

# No `from __future__ import annotations`: the agent reads the types of the fields when it runs.

import dataclasses
from typing import TYPE_CHECKING, TypeVar

T = TypeVar("T")
__all__ = ["dataclass", "fields_of"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool):
        """What the standard library's does; `frozen` is there to be read, and for type checkers."""
        assert frozen  # noqa: S101 - what may be changed is the standard library's
        return _made


def _made(shape: type[T]) -> type[T]:
    # Else one is made of the signature, which is asked of `inspect`.
    shape.__doc__ = shape.__doc__ or shape.__name__
    made = dataclasses.dataclass(init=False, repr=False, eq=False)(shape)
    for name, method in METHODS.items():
        if name not in vars(made):
            setattr(made, name, method)
    return made


def _fields(self: object) -> tuple["dataclasses.Field[object]", ...]:
    return dataclasses.fields(self)  # type: ignore[arg-type] # it is one, or it would not be here


def _init(self: object, *values: object, **named: object) -> None:
    fields = _fields(self)
    given = dict(zip([field.name for field in fields], values))
    if len(values) > len(fields) or given.keys() & named.keys():
        raise TypeError(f"{type(self).__name__} is given more than its fields, or one of them twice")
    given.update(named)
    into = vars(self)
    for field in fields:
        if field.name in given:
            into[field.name] = given.pop(field.name)
        elif field.default is not dataclasses.MISSING:
            into[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            into[field.name] = field.default_factory()
        else:
            raise TypeError(f"{type(self).__name__} is not given its {field.name}")
    if given:
        raise TypeError(f"{type(self).__name__} has no {', '.join(given)}")


def _values(self: object) -> tuple[object, ...]:
    return tuple([getattr(self, field.name) for field in _fields(self) if field.compare])


def _eq(self: object, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: object) -> int:
    return hash(_values(self))


def _repr(self: object) -> str:
    told = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in _fields(self) if field.repr)
    return f"{type(self).__qualname__}({told})"


def _frozen(self: object, name: str, *_: object) -> None:
    raise dataclasses.FrozenInstanceError(f"{name} of {type(self).__name__} is not to be changed")


def fields_of(one: object) -> dict[str, object]:
    """The fields of a dataclass, by name, as `json.dumps` asks for them as its default. Unlike `dataclasses.asdict` it
    copies nothing: what stands in a project's migrations need not be to be copied.

    Raises TypeError for all else.
    """
    return {field.name: getattr(one, field.name) for field in _fields(one)}


METHODS = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _frozen,
    "__delattr__": _frozen,
}
