"""One file per command of `dh`: each has `run(options, terminal) -> exit code`."""
