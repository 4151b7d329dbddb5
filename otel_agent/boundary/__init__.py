"""Every place where the outside world enters a run: one seam for recording, replaying and refusing."""
