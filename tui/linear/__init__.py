"""The app as plain lines, for screen readers and pipes: nothing is drawn over, and all can be typed."""
