"""fastconv: convolutional networks on CPUs, fast, at an accuracy the user chooses."""

__version__ = "0.1.0"
