"""What many runs teach: memory and policy. Empty so far."""
