"""The command line of `dh`. Standard library only: `dh --help` must not wait for anything heavy."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gateway.client.accesswords import add_access
from gateway.client.owningwords import add_owning
from gateway.client.webhookwords import add_webhook

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_EXIT_CODES = """\
exit codes:
  0    fine
  1    the data or the request is at fault
  2    wrong usage
  3    the server or the network is at fault
  130  interrupted

environment:
  DH_SERVER  the server, when --server is not given
  DH_TOKEN   a token (for machines; else the one that `dh login` kept)
  DH_CONFIG  the file that `dh login` keeps it in (default ~/.config/datahub/config.json)
  NO_COLOR   no colours
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; the chosen one's name ends up in `command`."""
    everywhere = _everywhere()
    parser = argparse.ArgumentParser(
        prog="dh",
        description="Publish data packages: check, push, follow, fetch.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # Another instance: parsers share the options of a parent, and the defaults are set on this one alone.
        parents=[_everywhere()],
    )
    parser.set_defaults(server=None, as_json=False, debug=False, token_stdin=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_login(commands, everywhere)
    _add(commands, everywhere, "logout", "forget the log-in at the server")
    _add(commands, everywhere, "whoami", "say who is logged in")
    _add_validate(commands, everywhere)
    _add_push(commands, everywhere)
    _add_status(commands, everywhere)
    _add_run(commands, everywhere, "cancel", "stop a push that is still running")
    rerun = _add_run(commands, everywhere, "rerun", "run a failed push again, without uploading again")
    rerun.add_argument("--no-wait", action="store_true", help="do not follow the run: print its address")
    _add_get(commands, everywhere)
    add_owning(commands, everywhere)
    add_access(commands, everywhere)
    add_webhook(commands, everywhere)
    _add_verify(commands, everywhere)
    return parser


def _everywhere() -> argparse.ArgumentParser:
    # SUPPRESS: the option may stand before or after the command, and the later parser must not reset it.
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument("--server", metavar="URL", help="the server (default: $DH_SERVER, http://127.0.0.1:8080)")
    options.add_argument("--token-stdin", action="store_true", help="read the token from standard input, for machines")
    options.add_argument("--json", action="store_true", dest="as_json", help="print one JSON document and nothing else")
    options.add_argument("--debug", action="store_true", help="show the traceback of an unexpected error")
    return options


def _add(
    commands: Commands, everywhere: argparse.ArgumentParser, name: str, text: str, more: str = ""
) -> argparse.ArgumentParser:
    description = f"{text[0].upper()}{text[1:]}. {more}"
    return commands.add_parser(name, help=text, description=description.strip(), parents=[everywhere])


def _add_login(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    login = _add(commands, everywhere, "login", "log in, in the browser or with a password from standard input")
    login.add_argument("--username", metavar="NAME", help="log in without a browser; needs --password-stdin")
    login.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    where = login.add_mutually_exclusive_group()
    where.add_argument("--no-browser", action="store_true", help="print the address instead of opening a browser")
    where.add_argument("--device", action="store_true", help="log in with a code, in a browser of any other machine")


def _add_validate(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    more = "Checks the descriptor and every row, with the server's own code and without any network."
    validate = _add(commands, everywhere, "validate", "check a data package or a table", more)
    _add_package(validate)
    validate.add_argument(
        "--output", metavar="DIR", help="write the reports, and the errors and bad rows of every table as CSV, there"
    )


def _add_push(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    more = (
        "Checks, uploads what is not there yet, posts, and follows the run until it is published and searchable. "
        "A package that has not changed makes no new revision."
    )
    push = _add(commands, everywhere, "push", "publish a data package or a table", more)
    _add_package(push)
    visibility = push.add_mutually_exclusive_group()
    visibility.add_argument(
        "--private", dest="findability", action="store_const", const="private", help="only its owner can see it"
    )
    visibility.add_argument(
        "--unlisted", dest="findability", action="store_const", const="unlisted", help="whoever has the address can"
    )
    push.set_defaults(findability="published")
    push.add_argument("--name", metavar="NAME", help="the dataset's name, instead of the descriptor's")
    push.add_argument("--owner", metavar="NAME", help="publish for this organisation, instead of for yourself")
    push.add_argument("--no-wait", action="store_true", help="do not follow the run: print its address")
    push.add_argument("--dry-run", action="store_true", help="say exactly what would be done, and do nothing")
    push.add_argument("--again", action="store_true", help="make a new revision though nothing has changed")
    push.add_argument("--receipt", metavar="FILE", help="write the signed receipt of the published revision there")
    push.add_argument("--no-check", action="store_true", help="leave the check of the data to the server")


def _add_status(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    status = _add(commands, everywhere, "status", "say how a push is doing")
    _add_run_name(status)


def _add_run(commands: Commands, everywhere: argparse.ArgumentParser, name: str, text: str) -> argparse.ArgumentParser:
    command = _add(commands, everywhere, name, text)
    _add_run_name(command)
    return command


def _add_get(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    get = _add(commands, everywhere, "get", "fetch a published revision", "Every file's size and SHA-256 are verified.")
    get.add_argument("dataset", metavar="OWNER/NAME", help="the dataset")
    get.add_argument("--revision", metavar="N", type=_revision, help="a revision (default: the latest published)")
    get.add_argument("--output", metavar="DIR", help="where to (default: ./NAME); must not exist, or be empty")


def _add_verify(commands: Commands, everywhere: argparse.ArgumentParser) -> None:
    more = "Checks the signature, then the bytes of every file: of the folder, or of what the server shows."
    verify = _add(commands, everywhere, "verify", "check a folder or a published revision against its receipt", more)
    verify.add_argument("receipt", metavar="RECEIPT", help="the receipt, as `dh push --receipt` wrote it")
    verify.add_argument("folder", metavar="FOLDER", nargs="?", help="the package that was pushed, or fetched")
    verify.add_argument(
        "--keys", metavar="FILE", help="a saved /.well-known/receipt-keys.json, instead of the server's"
    )
    verify.add_argument("--name", metavar="NAME", help="the --name that the folder was pushed with")
    verify.add_argument("--sheet", metavar="NAME|NUMBER", help="the --sheet that the folder was pushed with")


def _add_package(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "package", metavar="DIR|FILE", nargs="?", default=".", help="a package's folder, its descriptor, or one table"
    )
    parser.add_argument(
        "--sheet", metavar="NAME|NUMBER", help="the sheet of the workbook (default: the descriptor's, or the first)"
    )


def _add_run_name(parser: argparse.ArgumentParser) -> None:
    what = "a dataset (its last push), a revision of it, or a flow id"
    parser.add_argument("dataset", metavar="OWNER/NAME[/REVISION]", help=what)


def _revision(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"a revision is a number from 1 on, not {text!r}")
    return int(text)
