"""How fast a network could be on a device: its bound, and its roofline op by op."""
