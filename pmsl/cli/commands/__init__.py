"""What can be typed: a file a command, named like it. Each imports its work when it starts, so that --help is quick."""
