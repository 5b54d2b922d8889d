"""`dataccord completion`: scripts that complete nouns, verbs and options in bash, zsh and fish.

They are written from the commands themselves, so they know what this version knows, and ask nothing
of a node or a key.
"""

import argparse
import importlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from node.cli.output import add_command, emit

Tree = dict[str, dict[str, list[str]]]
"""Options by noun and verb."""


def add(parsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the noun and its verbs."""
    completion = parsers.add_parser("completion", help="a script that completes commands")
    verbs = completion.add_subparsers(required=True, metavar="SHELL")
    for shell, where in _WHERE.items():
        text = f"print the script for {shell}"
        add_command(verbs, shell, partial(_print, shell), text, example=where)


_WHERE: Final = {
    "bash": "source <(dataccord completion bash)",
    "zsh": "source <(dataccord completion zsh)",
    "fish": "dataccord completion fish | source",
}


def _print(shell: str, arguments: argparse.Namespace) -> int:
    script = SCRIPTS[shell](tree())
    emit(arguments, {"shell": shell, "script": script}, script)
    return 0


def tree() -> Tree:
    """Return the options of every command."""
    parser: argparse.ArgumentParser = importlib.import_module("node.cli").build_parser()
    return {
        noun: {verb: _options(leaf) for verb, leaf in _choices(below)}
        for noun, below in _choices(parser)
    }


def _choices(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [
        option
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--")
    ]


def bash(commands: Tree) -> str:
    """Return the script for bash."""
    nouns = " ".join(commands)
    verbs = _cases({noun: list(below) for noun, below in commands.items()})
    options = _cases(_by_command(commands))
    return _BASH.format(nouns=nouns, verbs=verbs, options=options)


def zsh(commands: Tree) -> str:
    """Return the script for zsh."""
    nouns = " ".join(commands)
    verbs = _cases({noun: list(below) for noun, below in commands.items()})
    options = _cases(_by_command(commands))
    return _ZSH.format(nouns=nouns, verbs=verbs, options=options)


def fish(commands: Tree) -> str:
    """Return the script for fish."""
    lines = ["complete -c dataccord -f -n __fish_use_subcommand -a '" + " ".join(commands) + "'"]
    for noun, below in commands.items():
        is_noun = f"__fish_seen_subcommand_from {noun}"
        listed = " ".join(below)
        no_verb = f"'{is_noun}; and not __fish_seen_subcommand_from {listed}'"
        lines.append(f"complete -c dataccord -f -n {no_verb} -a '{listed}'")
        for verb, options in below.items():
            both = f"'{is_noun}; and __fish_seen_subcommand_from {verb}'"
            named = " ".join(f"-l {option[2:]}" for option in options)
            lines += [f"complete -c dataccord -n {both} {one}" for one in _each(named)]
    return "\n".join(lines)


def _each(named: str) -> list[str]:
    return ["-l " + part for part in named.removeprefix("-l ").split(" -l ")]


def _by_command(commands: Tree) -> dict[str, list[str]]:
    return {
        f"{noun} {verb}": options
        for noun, below in commands.items()
        for verb, options in below.items()
    }


def _cases(words: dict[str, list[str]]) -> str:
    return "\n".join(
        f'      "{name}") candidates="{" ".join(of)}" ;;' for name, of in words.items()
    )


_BASH: Final = """_dataccord() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" candidates=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    candidates="{nouns}"
  elif [ "$COMP_CWORD" -eq 2 ]; then
    case "${{COMP_WORDS[1]}}" in
{verbs}
    esac
  else
    case "${{COMP_WORDS[1]}} ${{COMP_WORDS[2]}}" in
{options}
    esac
  fi
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
}}
complete -o default -F _dataccord dataccord"""

_ZSH: Final = """#compdef dataccord
_dataccord() {{
  local candidates=""
  if (( CURRENT == 2 )); then
    candidates="{nouns}"
  elif (( CURRENT == 3 )); then
    case "$words[2]" in
{verbs}
    esac
  else
    case "$words[2] $words[3]" in
{options}
    esac
  fi
  compadd -- ${{=candidates}}
  _files
}}
compdef _dataccord dataccord"""

SCRIPTS: Final[dict[str, Callable[[Tree], str]]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""The writer of each shell's script."""
