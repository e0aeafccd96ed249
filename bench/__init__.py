"""What is claimed about speed, re-measured by one command: `make bench`."""
