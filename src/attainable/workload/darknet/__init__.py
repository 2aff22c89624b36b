"""The darknet reader: sections of the .cfg file, then one layer each."""
