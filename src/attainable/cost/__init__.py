"""What a network costs on paper: operations, parameters, traffic, memory. No device, no run."""
