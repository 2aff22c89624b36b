"""The TFLite reader: tables of the flatbuffer, every offset checked, then one op each."""
