"""The reader of PyTorch: exported programs (``.pt2``) without PyTorch, modules through torch.export."""
