"""The ncnn reader: lines of the .param file, then one layer each."""
