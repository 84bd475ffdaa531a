"""Another process that works for this one, the same under every pool and under the watchdog of a host."""
