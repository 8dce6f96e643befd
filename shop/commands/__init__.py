"""The commands of `frontlist`, a module each: `describe` names the options, `run` returns the exit status."""
