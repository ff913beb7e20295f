"""The commands of the command line, one module each: `HELP`, `EPILOG`, `arguments(parser)` and `run(args) -> int`."""
