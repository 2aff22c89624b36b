"""Formats that describe a network without its weights are written as ONNX and read like an ONNX file.

So the counts of a darknet or ncnn network are those of its ONNX twin by construction. The same writer draws weights
where the twin is to run.
"""
