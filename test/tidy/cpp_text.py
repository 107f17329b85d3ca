# SPDX-License-Identifier: Apache-2.0
"""C++ as text: comments and literals blanked, and where functions begin and end.

Not a parser: it knows braces, the words before them, and the layout that clang-format gives. That is
enough to measure functions, and it never needs a compiler.
"""

import re

# One alternative per thing in which quotes, slashes or braces are not code.
_OPAQUE = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def _blank(text):
    return "".join("\n" if c == "\n" else " " for c in text)


def without_comments(source):
    """Comments become blanks; lines stay where they are."""
    return _OPAQUE.sub(lambda m: _blank(m[0]) if m[0].startswith("/") else m[0], source)


def code_only(source):
    """Comments and the insides of literals become blanks; lines and columns stay."""
    def blank(match):
        text = match[0]
        if text.startswith("/"):
            return _blank(text)
        return text[0] + _blank(text[1:-1]) + text[-1]
    return _OPAQUE.sub(blank, source)


def line_of(source, offset):
    return source.count("\n", 0, offset) + 1


_SCOPE = re.compile(r'\b(namespace|class|struct|union|enum)\b|\bextern\s*""?')
_NO_FUNCTION = re.compile(r'(=|\breturn|,|\()\s*$')


def _opens_scope(head):
    """Whether a brace behind `head` opens a namespace or a type, whose members are looked at."""
    match = _SCOPE.search(head)
    return bool(match) and "(" not in head[match.end():] and not _NO_FUNCTION.search(head)


def _opens_function(head):
    return "(" in head and not _NO_FUNCTION.search(head)


def functions(source):
    """(first line, last line, head) of each function body outside of other functions. A lambda
    counts as part of what it stands in."""
    code = re.sub(r'^[ \t]*#(?:\\\n|[^\n])*', lambda m: _blank(m[0]), code_only(source), flags=re.M)
    found = []
    head_start = 0
    stack = []  # True for a scope whose inside is looked at
    depth_in_function = 0
    for offset in (match.start() for match in re.finditer(r'[{};]', code)):
        char = code[offset]
        if depth_in_function:
            depth_in_function += {"{": 1, "}": -1, ";": 0}[char]
            if depth_in_function == 0:
                found.append((line_of(code, body_head), line_of(code, offset), body_text))
                head_start = offset + 1
            continue
        head = code[head_start:offset]
        if char == "{":
            if _opens_scope(head):
                stack.append(True)
            else:
                depth_in_function = 1
                body_head = head_start + len(head) - len(head.lstrip())
                body_text = " ".join(head.split()) if _opens_function(head) else ""
        elif char == "}" and stack:
            stack.pop()
        head_start = offset + 1
    # Braces that open neither a scope nor a function are initializers; their heads are empty.
    return [entry for entry in found if entry[2]]
