# SPDX-License-Identifier: Apache-2.0
"""A page that is followed from its top to its end in one shell: its blocks behind <!-- test: walk -->, each
with what the block behind <!-- test: output --> says that it prints."""

import pathlib
import re

BLOCK = re.compile(r'^<!-- test: (walk install|walk|output) -->\n```\w*\n(.*?)^```$', re.S | re.M)
MARK = "@@ end of block"


class Walk:
    def __init__(self, page):
        blocks = BLOCK.findall(pathlib.Path(page).read_text(encoding="utf-8"))
        self.install = "".join(text for kind, text in blocks if kind == "walk install")
        self.blocks, self.outputs = [], {}
        for kind, text in blocks:
            if kind == "walk":
                self.blocks.append(text)
            elif kind == "output":
                self.outputs[len(self.blocks) - 1] = text

    def script(self):
        """For `bash -e -o pipefail`; only the root's own packages are not installed by it."""
        return "".join(f"{block}echo '{MARK}'\n" for block in self.blocks)

    def differences(self, printed):
        """Blocks that printed something else than the page says."""
        parts = printed.split(MARK + "\n")
        found = [] if len(parts) == len(self.blocks) + 1 else [f"it ended in block {len(parts)}:\n{printed}"]
        for number, wanted in self.outputs.items():
            if number < len(parts) and parts[number] != wanted:
                found.append(f"{self.blocks[number]}printed:\n{parts[number]}and not:\n{wanted}")
        return found
