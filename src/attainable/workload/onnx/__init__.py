"""The ONNX reader: strip the weights, bind the dimensions, infer the shapes, make the records."""
