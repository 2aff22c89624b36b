"""How kernels of any runtime find the ops of the model: by the tensors between them, by names, by values."""
