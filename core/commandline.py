"""A command as people write it in a setting or a playbook: a program and its arguments, never a line for a shell."""

from __future__ import annotations

import re
import shlex

from core.errors import Invalid

MOST_OUTPUT = 64 * 1024  # characters of the end of what a command said
_EXPANDED = re.compile(r"`|\$[({A-Za-z_]")
_OPERATORS = frozenset("();<>|&")


def read(text: str) -> list[str]:
    """The program and its arguments.

    Raises Invalid for what only a shell understands (pipes, redirections, several commands, `$NAME`, `$(…)`): put that
    into a script, and call the script.
    """
    if found := _EXPANDED.search(text):
        raise Invalid(_only_a_shell(found.group()), field="command")
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError as error:
        raise Invalid(f"{text!r} cannot be read as a command: {error}.", field="command") from None
    for word in words:
        if word and set(word) <= _OPERATORS:
            raise Invalid(_only_a_shell(word), field="command")
    if not words:
        raise Invalid("There is no command.", field="command")
    return words


def last_of(output: str) -> str:
    """The end of what it said, from the beginning of a line: half a secret would not be known as one."""
    if len(output) <= MOST_OUTPUT:
        return output
    kept = output[-MOST_OUTPUT:]
    return f"…{kept[kept.find(chr(10)) :]}" if "\n" in kept else "… (one line, too long to be kept)"


def _only_a_shell(what: str) -> str:
    return f"Only a shell understands {what!r}: put it into a script, and give the script as the command."
