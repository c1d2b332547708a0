"""The condition language: SQL's boolean expressions over columns, with money, bounded in cost."""

from rules.errors import LanguageError
from rules.language.compile import Compiled, compile_condition
from rules.language.frame import ColumnSource, Frame
from rules.language.scope import Scope

__all__ = ["ColumnSource", "Compiled", "Frame", "LanguageError", "Scope", "compile_condition"]
